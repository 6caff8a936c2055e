"""Experiments on the public API, each made again by one command."""
