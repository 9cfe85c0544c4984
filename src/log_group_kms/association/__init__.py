"""The rules for one log group and for query results, and their way to AWS."""
