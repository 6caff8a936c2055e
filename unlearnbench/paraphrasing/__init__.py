"""Paraphrases for a fact: proposed by a paraphraser, checked, read a second time."""
