"""The services that are called."""
