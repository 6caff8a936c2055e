"""The metrics of TOFU (arXiv 2401.06121) and of those who measure on it, as pure functions."""
