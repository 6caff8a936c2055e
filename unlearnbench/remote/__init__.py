"""Calls to other people's servers: the one transport of LLM judges and of engine `endpoint`."""
