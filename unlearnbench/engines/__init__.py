"""Engines: what answers probes."""
