"""A page that shows runs: what they say about a checkpoint, and every answer behind it."""
