"""From a table of questions and answers to a benchmark's folder."""
