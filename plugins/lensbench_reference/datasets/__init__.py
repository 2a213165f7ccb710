"""Reference datasets."""
