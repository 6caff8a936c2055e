"""Documents that are made from the code; `python -m tests.documents` writes them anew."""
