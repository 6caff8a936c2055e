"""From verdicts to scores: pure functions."""
