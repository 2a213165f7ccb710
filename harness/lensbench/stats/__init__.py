"""Intervals, paired tests, ranks, aggregate scores and detectable differences."""
