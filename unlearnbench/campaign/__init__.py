"""Many models, methods and settings in one plan, made by a workflow engine (Snakemake)."""
