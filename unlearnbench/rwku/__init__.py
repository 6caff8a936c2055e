"""RWKU's own metrics (arXiv 2406.10890): what is left of a subject, and of its neighbours."""
