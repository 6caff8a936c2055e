"""Language models as judges of which of two answers to an instruction is better."""
