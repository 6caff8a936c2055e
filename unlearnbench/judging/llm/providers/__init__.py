"""The services that LLM judges call."""
