"""JensUn: Jensen-Shannon unlearning (arXiv 2509.02820)."""
