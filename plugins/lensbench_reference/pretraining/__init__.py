"""Reference pretraining strategies."""
