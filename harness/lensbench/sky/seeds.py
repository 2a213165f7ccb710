"""Random numbers that depend on what they are for and on nothing else."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*parts: object) -> int:
    """A 64-bit seed hashed from these parts: their text and order, nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def generator_of(*parts: object) -> np.random.Generator:
    """A NumPy generator (Philox) for these parts."""
    return np.random.Generator(np.random.Philox(key=seed_of(*parts)))
