"""The archive that the registry hands out: what is in it, and that it starts where there is nothing else."""
