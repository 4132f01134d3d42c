"""The surroundings of the simulated Pi: wires, time, physics and faults."""
