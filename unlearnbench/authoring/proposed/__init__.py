"""Facts and rows that a model proposes about the user's subjects: checked, and kept or left out."""
