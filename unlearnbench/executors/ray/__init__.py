"""Executor `ray`: the blocks of a run, answered by actors of a Ray cluster with an engine each."""
