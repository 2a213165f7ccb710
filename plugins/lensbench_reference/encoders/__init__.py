"""Reference encoders."""
