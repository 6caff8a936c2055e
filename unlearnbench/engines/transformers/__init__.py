"""`transformers` models, run fast: shared prefixes, in-place cache, full batches."""
