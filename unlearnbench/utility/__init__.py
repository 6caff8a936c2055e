"""What is left of a model: knowledge, language and closeness to its base."""
