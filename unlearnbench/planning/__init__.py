"""What a command would take on a machine: memory, time and money, before anything is loaded."""
