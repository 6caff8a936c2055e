"""Judge `rules`: deterministic, offline; tables and small pure functions."""
