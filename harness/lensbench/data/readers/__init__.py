"""Readers: one file a format. Each gives a `Source` and loads no pickle."""
