"""Traditional methods."""
