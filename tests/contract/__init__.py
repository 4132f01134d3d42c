"""One suite for each bus, written against its contract and run on every ground that the drivers run on."""
