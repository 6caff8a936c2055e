"""Relearning: train a checkpoint a little on something else and test whether facts come back."""
