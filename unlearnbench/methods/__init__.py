"""Unlearning methods, one a file: a method is a loss and its parameters."""
