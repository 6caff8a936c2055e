"""Judges: does an answer show that the fact is known?"""
