"""Specification to plan: which cells there are, what each is, and what does not fit. Values only."""
