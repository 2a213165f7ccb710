"""A board: a study's records and predictions as one folder that a stranger can check."""
