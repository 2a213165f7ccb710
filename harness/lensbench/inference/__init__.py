"""Encoders and fitted predictors at survey scale: shards in, shards out."""
