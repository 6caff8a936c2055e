"""The board: entries, trust, ranking and the pages drawn from them."""
