"""Cameras, as the kernel and libcamera show them."""
