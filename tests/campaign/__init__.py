"""The fault campaign: every fault of a sensor's bus, at every transaction of its start and of its reading."""
