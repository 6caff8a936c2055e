"""Every parser of foreign input, fed with valid files made wrong: `python -m tests.fuzz --help`."""
