"""Intervals, paired tests, ranks, aggregate scores and what could have been seen."""
