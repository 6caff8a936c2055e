"""Checks of a benchmark's rows beyond what loading refuses."""
