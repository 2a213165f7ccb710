"""Entries of a folder as they are found, and what is left out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lensbench.data.links import Links
from lensbench.data.picture import Selection
from lensbench.data.readers import fits
from lensbench.data.readers.entries import Entry, Group, stem_of, with_partners
from lensbench.data.readers.fits import SUFFIXES as FITS_SUFFIXES
from lensbench.data.readers.levels import Place, sides_of
from lensbench.files import watched

_NAMED = 5


@dataclass
class Listing:
    """Entries of a folder as they are found, and what is left out of them."""

    entries: list[Entry] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    extensions: Counter[str] = field(default_factory=Counter)

    def add(self, root: Path, group: Group, selection: Selection, place: Place, name: str) -> None:
        """Adds the images among files of one folder, each with its partners."""
        images, rest = with_partners(group)
        prefix = "/".join((*group.folder.relative_to(root).parts, ""))
        self.left_out += [f"{prefix}{file}: {why}" for file, why in rest]
        scene = name or place.object
        known = place.condition or scene
        sides = {} if known else sides_of([file for file, _ in images])
        for file, partners in watched(images, f"headers in {root}", len(images)):
            condition = place.condition
            if place.object and len(images) > 1:
                condition = file.partition(".")[0]
            if file in sides:
                scene, condition = f"{prefix}{sides[file][0]}", sides[file][1]
            entry = Entry(
                root, prefix + file, place.label, place.split, condition, None, partners, scene
            )
            if file.lower().endswith(FITS_SUFFIXES):
                self._add_bands(entry, selection)
            else:
                self.entries.append(entry)

    def _add_bands(self, entry: Entry, selection: Selection) -> None:
        found = fits.find_images(entry.file, selection)
        self.extensions.update(found.left_out)
        items = fits.items_of(entry.place, found)
        for item, band in zip(items, found.bands, strict=True):
            several = len(items) > 1
            self.entries.append(
                replace(
                    entry,
                    band=band,
                    condition=item.condition or entry.condition,
                    scene=item.scene if several and not entry.scene else entry.scene,
                    stated=found.stated[band.image],
                    name=item.name if several else "",
                )
            )

    def join_filters(self) -> None:
        """Makes images bands of one object by their headers, where names do not.

        That is, where every object, by its position or the card OBJECT, has one image in each of
        several filters.
        """
        entries = self.entries
        filters = {entry.stated.filter for entry in entries}
        if "" in filters or len(filters) < 2 or any(entry.condition for entry in entries):
            return
        links = Links(len(entries))
        if all(entry.stated.position for entry in entries):
            links.join_near(np.array([entry.stated.position for entry in entries]))
        else:
            links.join_equal([entry.stated.object for entry in entries])
        objects = links.numbers().tolist()
        owners = [(one, e.label, e.split) for one, e in zip(objects, entries, strict=True)]
        kinds = {(owner, e.stated.filter) for owner, e in zip(owners, entries, strict=True)}
        if len(kinds) == len(entries) == len(set(owners)) * len(filters):
            self.entries = [
                replace(entry, condition=entry.stated.filter, scene=stem_of(entries[one].place))
                for one, entry in zip(objects, entries, strict=True)
            ]

    def sentences(self) -> tuple[str, ...]:
        """What is left out, extensions of many files in one sentence."""
        return (*_shortened(self.left_out), *counted(self.extensions))


def counted(reasons: Counter[str]) -> list[str]:
    """Each reason once, and of how many files it is."""
    return [f"{what} (in {count} files)" if count > 1 else what for what, count in reasons.items()]


def _shortened(sentences: Sequence[str]) -> list[str]:
    """The first of many sentences, and how many more there are."""
    if len(sentences) <= _NAMED:
        return list(sentences)
    return [*sentences[:_NAMED], f"and {len(sentences) - _NAMED} files more"]
