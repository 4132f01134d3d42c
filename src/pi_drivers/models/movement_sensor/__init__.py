"""Movement sensors."""
