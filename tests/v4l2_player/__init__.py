"""A USB camera that a preloaded library plays to one process, for machines that have none."""
