"""Carries out many cells: plans jobs, hands them to workers, here, in processes or on Ray."""
