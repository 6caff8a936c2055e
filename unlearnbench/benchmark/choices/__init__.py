"""Choice questions of others: MMLU, RWKU's utility set, and any data set of such columns."""
