"""Invented facts whose likeness, number and frequency are chosen."""
