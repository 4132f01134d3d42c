"""picamera2 and libcamera for machines without them; this folder goes on the path of whoever is to find them.

They have the interface that the Picamera2 manual describes, as far as it is used here, and refuse what it does not
have: another keyword, another attribute, a wrong format, a control that the camera lacks. Frames lie in memory as they
do on a Pi, and are of the simulated Pi's scene.
"""
