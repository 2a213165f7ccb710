"""Pretraining at length, outside of any cell: scenes without end, checkpoints, a model at the end."""
