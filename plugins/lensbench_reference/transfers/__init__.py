"""Reference transfers."""
