"""Smooth lenses fitted to images: what baselines and encoders share."""
