"""Viam drivers for the hardware people wire to a Raspberry Pi, and a simulated Pi to run them on."""
