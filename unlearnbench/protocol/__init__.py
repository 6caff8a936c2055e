"""The evaluation protocol: which questions are put, how they are rendered, how a run proceeds."""
