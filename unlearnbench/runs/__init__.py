"""Run folders on disk: journals, records, locks."""
