"""Scene, population, lensing, condition and observation: from parameters to pixels."""
