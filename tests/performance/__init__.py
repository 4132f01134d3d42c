"""What the module costs beside a bare one; run by hand: `python -m tests.performance`."""
