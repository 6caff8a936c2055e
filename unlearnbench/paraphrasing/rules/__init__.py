"""What may speak against a candidate, one rule a file."""
