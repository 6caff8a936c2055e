"""Forged submissions as data: what is changed, and the reason for which it is refused."""
