"""Training: rows, the one pass over a batch, the trainer, and what is written at the end."""
