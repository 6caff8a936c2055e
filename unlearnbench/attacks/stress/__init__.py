"""Stress tests: attacks that change nothing or change weights without training."""
