"""Hardware pulse-width modulation."""
