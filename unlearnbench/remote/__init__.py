"""Calls to models of others: the one transport of judges, paraphrasers and engine `endpoint`."""
