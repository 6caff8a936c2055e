"""The command line: parsing and printing only, one module a command."""
