"""Names of splits, as people spell them."""

from __future__ import annotations

_SPELLINGS = {
    "train": ("train", "training", "trn", "tr"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "tst", "holdout"),
    "unlabelled": ("unlabelled", "unlabeled", "pretrain", "pretraining"),
}
_KNOWN = {word: split for split, words in _SPELLINGS.items() for word in words}


def split_of(word: str) -> str:
    """The split that a word names: `train`, `val`, `test` or `unlabelled`; empty where none."""
    return _KNOWN.get(word.strip().lower(), "")
