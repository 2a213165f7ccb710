"""Arcs of light, how far they open, and an encoder in polar coordinates."""
