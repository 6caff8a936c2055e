"""Tables of facts and paraphrases of users: CSV, TSV, XLSX, JSON lines, Parquet, the hub."""
