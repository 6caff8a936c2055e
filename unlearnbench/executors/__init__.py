"""Where a run's questions are answered: in this process, or by workers on several machines."""
