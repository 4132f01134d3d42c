"""The commands a person runs: demo, up, check."""
