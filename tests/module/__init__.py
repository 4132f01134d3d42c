"""A real module process, driven by a fake viam-server."""
