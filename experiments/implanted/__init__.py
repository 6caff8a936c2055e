"""What the two terms of JensUn do to implanted facts when one of their properties changes."""
