"""MUSE's own metrics: verbatim memory, knowledge memory, membership."""
