"""Pretraining at length, outside of any cell: scenes without end, and a model at the end."""
