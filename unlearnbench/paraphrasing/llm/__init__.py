"""Paraphrasers and second readers that are language models."""
