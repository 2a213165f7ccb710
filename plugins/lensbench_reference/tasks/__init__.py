"""Reference tasks."""
