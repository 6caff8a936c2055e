"""The engine that runs `transformers` models fast: shared prefixes, in-place cache, full batches."""
