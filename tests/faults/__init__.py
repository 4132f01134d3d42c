"""Deliberate faults: whether the tests notice what they are there to notice."""
