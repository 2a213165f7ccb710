"""Targets of stored images: their classes under every name that a task asks for, their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lensbench import REAL_TARGETS, DataError, Target

SUBSTRUCTURE = ("no_sub", "cdm", "vortex")
ALIASES = {"no": "no_sub", "sphere": "cdm", "vort": "vortex", "axion": "vortex"}
_LENS = {"lens", "lenses", "lensed", "positive", "positives", "1", "true", "yes"}
_LENS |= {"strong lens", "strong_lens", "strong lenses", "strong_lenses"}
_OTHER = re.compile(
    r"(non|not|no)([\W_]?(an?[\W_])?(strong[\W_]?)?lens|$)|"
    r"other|galax|gals?$|negative|random|background|0$|false$|no$"
)
_ERRORS = re.compile(r"(_err|_error|_std|_sigma|_unc)$|^(e_|err_|sigma_)", re.IGNORECASE)
_NO_TARGETS = {
    "ra",
    "dec",
    "width",
    "height",
    "pixel_scale",
    "psf_fwhm",
    "id",
    "index",
    "object_id",
    "objid",
    "source_id",
}
_RADIUS = re.compile(r"(theta[_ ]?e|einstein[_ ]?radius|r[_ ]?ein|r_?e_?arcsec)$", re.IGNORECASE)
"""Names of the Einstein radius, which methods know as `theta_E`."""
_TAKEN = {"sky", "class", "lens", "substructure"}
_MOST_CLASSES = 100
_FEWEST = 2
"""Training images that a number has to be known of."""

_UNEQUAL = 3
"""Ratio of the most to the least frequent class from which that is worth a note."""

Values = dict[str, np.ndarray]


def targets_of(
    source: Any, chosen: Sequence[int], positive: str
) -> tuple[dict[str, Target], Values]:
    """Targets of the chosen images of a source with their values, each (N,).

    `class` are the classes by their own names, `substructure` those of the DeepLense release by
    the names of lensbench, `lens` whether it is one. Columns are targets by their names, and the
    logarithm of a positive column `x` is `log10_x`. An Einstein radius is `theta_E`, however the
    one column that has it is called.

    Args:
        source: As `open_images` gives it.
        chosen: Indices of its images.
        positive: Classes of lenses, joined by +; found by their names where empty.

    Raises:
        DataError: Where some images have no class, or a class has one image.
    """
    targets: dict[str, Target] = {}
    values: Values = {}
    labels = [source.items[i].label for i in chosen]
    labels = _checked(source, chosen, labels)
    if labels:
        _add_classes(source, labels, positive, targets, values)
    elif positive:
        hint = "put the images into a folder for each class, or name the array of classes: labels="
        raise DataError(f"{source.path!r} has no classes", hint)
    radii = [name for name in source.columns if _RADIUS.match(name)]
    for column_name, column in source.columns.items():
        if column_name in _TAKEN or column_name.lower() in _NO_TARGETS:
            continue
        name = "theta_E" if radii == [column_name] else column_name
        column_values = column.values[list(chosen)]
        if column.numeric:
            _add_numbers(name, column_values, column.unit, targets, values)
        elif all(column_values) and len(set(column_values)) > 1:
            classes = tuple(sorted(set(column_values)))
            targets[name] = Target("class", classes=classes)
            values[name] = np.array([classes.index(one) for one in column_values], dtype=np.int64)
    return targets, values


def _checked(source: Any, chosen: Sequence[int], labels: Sequence[str]) -> list[str]:
    """Labels of all images; none where no image has one.

    Raises:
        DataError: Where some lack one, or a class has one image, or nearly each has its own.
    """
    if not any(labels):
        return []
    missing = [
        source.items[i].name
        for i, label in zip(chosen, labels, strict=True)
        if not label and source.items[i].split != "unlabelled"
    ]
    if missing:
        named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise DataError(
            f"{source.path!r} has {len(missing)} images without a class: {named}",
            "give them one, or put them in a folder called `unlabelled`",
        )
    counts = Counter(label for label in labels if label)
    if len(counts) > _MOST_CLASSES:
        raise DataError(
            f"{source.path!r} has {len(counts)} classes for {len(labels)} images",
            f"at most {_MOST_CLASSES}; name the column of the classes with labels=",
        )
    alone = [label for label, count in counts.items() if count == 1]
    if alone and len(labels) > len(counts):
        raise DataError(
            f"{source.path!r} has one image of class {alone[0]!r}",
            "a class needs two to be learned and tested: add images, or leave the class out",
        )
    return list(labels)


def _add_classes(
    source: Any, labels: list[str], positive: str, targets: dict[str, Target], values: Values
) -> None:
    present = sorted({label for label in labels if label})
    known = [name for name in source.classes if name in present]
    classes = tuple(known if len(known) == len(present) else present)
    index = {name: place for place, name in enumerate(classes)} | {"": 0}
    targets["class"] = Target("class", classes=classes)
    values["class"] = np.array([index[label] for label in labels], dtype=np.int64)
    ours = {name: ALIASES.get(name.lower(), name.lower()) for name in classes}
    if set(ours.values()) <= set(SUBSTRUCTURE):
        held = [name for name in SUBSTRUCTURE if name in ours.values()]
        names = tuple(held) if len(held) > 1 else SUBSTRUCTURE
        targets["substructure"] = Target("class", classes=names)
        places = [names.index(ours[label]) if label else 0 for label in labels]
        values["substructure"] = np.array(places, dtype=np.int64)
    lenses = _lenses(source, classes, positive)
    if lenses:
        targets["lens"] = Target("class", classes=("non_lens", "lens"))
        values["lens"] = np.array([label in lenses for label in labels], dtype=np.int64)


def _lenses(source: Any, classes: tuple[str, ...], positive: str) -> set[str]:
    """The classes that are lenses: those named, or the one of two whose name says so.

    Raises:
        DataError: Where a class named is not there, or all are named.
    """
    if positive:
        named = set(positive.split("+"))
        strange = sorted(named - set(classes))
        if strange or named == set(classes):
            raise DataError(
                f"{source.path!r} has no class {strange[0]!r}"
                if strange
                else f"positive={positive} names every class of {source.path!r}",
                f"positive= takes some of {', '.join(classes)}",
            )
        return named
    if len(classes) != 2:
        return set()
    lenses = {name for name in classes if name.lower() in _LENS}
    rest = [name for name in classes if name not in lenses]
    return lenses if len(lenses) == 1 and _OTHER.match(rest[0].lower()) else set()


def _in_own_unit(name: str, values: np.ndarray, unit: str) -> tuple[np.ndarray, str]:
    """Numbers that methods measure, such as `theta_E`, in the unit that these measure in.

    Raises:
        DataError: Where the unit of the table is none that can be converted.
    """
    wanted = REAL_TARGETS[name].unit if name in REAL_TARGETS else ""
    if not wanted or not unit or unit == wanted:
        return values, wanted or unit
    from astropy import units

    try:
        return values * units.Unit(unit).to(units.Unit(wanted)), wanted
    except (ValueError, TypeError) as error:
        raise DataError(
            f"column {name!r} is in {unit!r}, expected {wanted!r} or what can be converted to it",
            "correct the unit in the table",
        ) from error


def _add_numbers(
    name: str, values: np.ndarray, unit: str, targets: dict[str, Target], found: Values
) -> None:
    known = values[np.isfinite(values)]
    if not len(known) or _ERRORS.search(name):
        return
    values, unit = _in_own_unit(name, values, unit)
    targets[name] = Target("real", unit=unit)
    found[name] = values.astype(np.float32)
    if (known > 0).all() and not name.startswith("log10_"):
        targets[f"log10_{name}"] = Target("real", unit=f"dex({unit})" if unit else "dex")
        found[f"log10_{name}"] = np.log10(values).astype(np.float32)


def imbalance(
    targets: Mapping[str, Target], values: Values, train: Sequence[int]
) -> tuple[str, ...]:
    """A sentence on the classes of the training images, where one is far more frequent."""
    if "class" not in targets:
        return ()
    classes = targets["class"].classes
    counts = Counter(values["class"][list(train)].tolist())
    if len(counts) < 2 or max(counts.values()) < _UNEQUAL * min(counts.values()):
        return ()
    told = ", ".join(f"{classes[index]} ({count})" for index, count in counts.most_common(6))
    return (
        f"Classes of the training images are unequal: {told}. weighted=true, an option of finding "
        "and classification, gives each the same weight.",
    )


def drop_unknown(
    targets: dict[str, Target], values: Values, splits: Mapping[Any, list[int]]
) -> tuple[str, ...]:
    """Removes numbers that too few images have to train and test on; a sentence on each."""
    notes = []
    for name in [name for name, target in targets.items() if target.kind == "real"]:
        known = {split: int(np.isfinite(values[name][splits[split]]).sum()) for split in splits}
        if known["train"] >= _FEWEST and known["test"]:
            continue
        del targets[name], values[name]
        if not name.startswith("log10_"):
            notes.append(
                f"{name} is no target: it is known of {known['train']} images of the training "
                f"split (expected {_FEWEST} or more) and of {known['test']} of the test split."
            )
    return tuple(notes)


def check_splits(
    path: str,
    targets: Mapping[str, Target],
    values: Values,
    splits: Mapping[Any, list[int]],
    groups: np.ndarray,
) -> None:
    """Refuses splits to train or test on that have one of several classes alone.

    Args:
        path: Of the images, for errors.
        targets: With their classes.
        values: Of all images.
        splits: Places of images.
        groups: Number of the object that each image shows (N,).

    Raises:
        DataError: Naming the split and the class.
    """
    if "class" not in targets or len(targets["class"].classes) < 2:
        return
    for split in ("train", "test"):
        present = set(values["class"][splits[split]].tolist())
        if len(present) == 1 and len(splits[split]):
            only = targets["class"].classes[present.pop()]
            for number, name in enumerate(targets["class"].classes):
                own = groups[values["class"] == number]
                if len(own) > 1 and len(set(own.tolist())) == 1:
                    raise DataError(
                        f"all {len(own)} images of class {name!r} of {path!r} show one object or "
                        "are nearly the same, so they stay in one split",
                        "add images of other objects to the class",
                    )
            raise DataError(
                f"all images of the split {split!r} of {path!r} are of class {only!r}",
                "add images of the other classes to it, or merge the splits and let them be made",
            )


def hints_of(targets: Mapping[str, Target]) -> dict[str, str]:
    """What gives targets that are not there, by name."""
    if "class" not in targets:
        return {}
    classes = ", ".join(targets["class"].classes[:6])
    return {"lens": f"positive= names the classes of lenses: some of {classes}"}
