"""Cards of Hugging Face datasets: what lensbench wrote there of the images of each split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

Facts = Mapping[str, Mapping[str, str]]
"""What is known of images, in texts, by split."""

HEAD = "lensbench"
"""Where it stands in the head of a card."""


def read_facts(name: str) -> Facts:
    """What the card of a folder, or of `OWNER/NAME` on the hub, says.

    Empty where there is no card, or one that lensbench did not write.
    """
    from huggingface_hub import DatasetCard

    local = Path(name)
    if local.is_dir() and not (local / "README.md").is_file():
        return {}
    try:
        card = DatasetCard.load(local / "README.md" if local.is_dir() else name)
    except (OSError, ValueError):  # no connection, no such card, or a head that is no YAML
        return {}
    found = card.data.to_dict().get(HEAD)
    whole = isinstance(found, dict) and all(
        isinstance(of_split, dict) for of_split in found.values()
    )
    return {str(split): of_split for split, of_split in found.items()} if whole else {}


def is_exported(folder: Path) -> bool:
    """Whether lensbench wrote a folder for Hugging Face `datasets`."""
    return (folder / "data").is_dir() and bool(read_facts(str(folder)))
