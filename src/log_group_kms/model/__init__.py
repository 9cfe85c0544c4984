"""Values: errors, targets, keys, ownership, results. Imports nothing else."""
