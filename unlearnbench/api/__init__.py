"""What Python users and the command line call: thin, one module a subject."""
