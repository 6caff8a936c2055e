"""Does it come back? A checkpoint trained a little on something else, and asked again."""
