"""Values that other people's code computed on inputs of ours, and what this package makes of them.

`tests/fixtures/parity` holds both; docs/PARITY.md names the test behind each of its rows.
"""
