"""Folders of Hugging Face datasets put together, a split each, and published."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lensbench.data.huggingface import write_card
from lensbench.data.readers.cards import is_exported, read_facts
from lensbench.data.whole import whole
from lensbench.errors import DataError, UsageError
from lensbench.store.claims import temporary_folder
from lensbench.store.hub import repository_of, upload

_MESSAGE = "Publish a dataset"
_PLACE = re.compile(r"(?<=path=)[^,\s]*/")
"""The folders of somebody's machine in the name of a dataset, which nobody else needs."""


def publish_dataset(
    folders: Sequence[Path], target: str, overwrite: bool = False, client: Any = None
) -> dict[str, int]:
    """Puts folders of `data make --format huggingface` together, at a place.

    Args:
        folders: Of one dataset under the same conditions; no split is in two of them.
        target: A folder, or `hf://datasets/OWNER/NAME`, where it takes the place of older data.
        overwrite: Whether a folder that is there gives way.
        client: The hub's client, as `huggingface_hub.HfApi`; made where none is given.

    Returns:
        Number of scenes of each split.

    Raises:
        DataError: Where a folder is not of this form, or they do not go together.
        UsageError: Where the target has another form, or is there already.
        RunError: Where the hub refuses.
    """
    repository = repository_of(target)
    if "://" in target and repository is None:
        raise UsageError(f"{target!r} is not a place for data", "e.g. hf://datasets/OWNER/NAME")
    facts = _joined(folders)
    if repository is None:
        with whole(Path(target), overwrite) as temporary:
            _copy(folders, facts, temporary)
    else:
        with temporary_folder() as scratch:
            _copy(folders, facts, scratch)
            upload(scratch, repository, _MESSAGE, ("data/*",), client)
    return {split: int(said["count"]) for split, said in facts.items()}


def _joined(folders: Sequence[Path]) -> dict[str, Mapping[str, str]]:
    """What is known of the images of every split.

    Raises:
        DataError: Where folders do not go together, naming what differs.
    """
    joined: dict[str, Mapping[str, str]] = {}
    for folder in folders:
        if not folder.is_dir() or not is_exported(folder):
            raise DataError(
                f"{str(folder)!r} is no dataset in the form of Hugging Face",
                "lensbench data make --format huggingface writes one",
            )
        for split, said in read_facts(str(folder)).items():
            if split in joined:
                raise DataError(f"split {split!r} is in two folders", "leave one of them out")
            joined[split] = {name: _PLACE.sub("", text) for name, text in said.items()}
    first = next(iter(joined.values()))
    for split, said in joined.items():
        for name in ("dataset", "dataset_version", "dataset_digest", "seed", "conditions"):
            if said.get(name) != first.get(name):
                raise DataError(
                    f"split {split!r} has {name} {said.get(name)!r}, others {first.get(name)!r}",
                    "make all splits by one command, but for --split and --n",
                )
        if _conditions(said) != _conditions(first):
            raise DataError(f"split {split!r} has conditions of other values", "make it again")
    return joined


def _conditions(facts: Mapping[str, str]) -> dict[str, Any]:
    return {name: json.loads(v) for name, v in facts.items() if name.startswith("condition:")}


def _copy(folders: Sequence[Path], facts: Mapping[str, Mapping[str, str]], goal: Path) -> None:
    """Copies files of all splits, and writes the card of the whole."""
    (goal / "data").mkdir(parents=True, exist_ok=True)
    for folder in folders:
        for file in sorted((folder / "data").glob("*.parquet")):
            shutil.copyfile(file, goal / "data" / file.name)
    write_card(goal, facts)
