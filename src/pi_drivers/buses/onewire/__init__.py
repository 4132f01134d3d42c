"""The 1-Wire bus."""
