"""Attacks on a checkpoint: stress tests, each a plug-in, and relearning."""
