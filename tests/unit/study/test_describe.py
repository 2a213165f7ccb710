"""What keys depend on: all that could change a result, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lensbench import SkyTarget, condition_of
from lensbench.store import key_of
from lensbench.study.cell import Cell, Entrant, Seeds, View
from lensbench.study.describe import (
    Description,
    Draw,
    Numerics,
    describe_condition,
    describe_features,
    describe_fit,
    describe_images,
    describe_predictions,
    describe_records,
    describe_weights,
)

CODE = {"source": "c0de", "torch": "2.9"}
OTHER_SOURCE, OTHER_TORCH = {**CODE, "source": "0ther"}, {**CODE, "torch": "3.0"}
HERE = Numerics("cpu", 1, 1)
SEEN = View("d", "euclid-vis")
CELL = Cell(Entrant("e:width=2", "p", "t"), "k", SEEN, (SEEN,))
VIS, HST = condition_of("euclid-vis"), condition_of("hst-acs")
DRAW = Draw("d:n=1", "0a", "train", 8, 0)

IMAGES = {"draw": DRAW, "condition": VIS, "sky": None, "code": CODE}
WEIGHTS = {
    "cell": CELL, "digest": "0b", "images": ["i1", "i2"], "normal": None, "numerics": HERE,
    "code": CODE,
}  # fmt: skip
FEATURES = {
    "encoder": "e:width=2", "weights": "w", "images": "i1", "part": "maps", "numerics": HERE,
    "code": CODE,
}  # fmt: skip
FIT = {
    "cell": CELL, "weights": "w", "images": ["i1", "i2"], "skies": ["s1"], "numerics": HERE,
    "code": CODE,
}  # fmt: skip
PREDICTIONS = {"fit": "f", "images": "i1", "code": CODE}
RECORDS = {
    "cell": CELL, "predictions": ["a1", "a2"], "skies": ["s1", "s2"], "resamples": 200,
    "code": CODE,
}  # fmt: skip


def draw(**changes: Any) -> dict[str, Draw]:
    """A draw that differs."""
    return {"draw": replace(DRAW, **changes)}


def key(describe: Callable[..., Description], base: dict[str, Any], **changes: Any) -> str:
    return key_of(describe(**{**base, **changes}))


def cell(**changes: Any) -> dict[str, Cell]:
    """A cell that differs."""
    return {"cell": replace(CELL, **changes)}


def entrant(**changes: Any) -> dict[str, Cell]:
    """A cell whose entrant differs."""
    return cell(entrant=replace(CELL.entrant, **changes))


@pytest.mark.parametrize(
    ("describe", "base", "changes"),
    [
        (describe_images, IMAGES, draw(dataset="d:n=2")),
        (describe_images, IMAGES, draw(digest="0c")),
        (describe_images, IMAGES, draw(split="test")),
        (describe_images, IMAGES, draw(count=9)),
        (describe_images, IMAGES, draw(seed=1)),
        (describe_images, IMAGES, {"condition": HST}),
        (describe_images, IMAGES, {"sky": (SkyTarget(2, "hst-acs"), HST)}),
        (describe_images, IMAGES, {"condition": replace(VIS, read_noise=9.0)}),
        (describe_images, IMAGES, {"code": OTHER_SOURCE}),
        (describe_images, IMAGES, {"code": OTHER_TORCH}),
        (describe_weights, WEIGHTS, entrant(encoder="e:width=3")),
        (describe_weights, WEIGHTS, entrant(pretraining="p:mask=0.5")),
        (describe_weights, WEIGHTS, cell(seeds=Seeds(pretraining=1))),
        (describe_weights, WEIGHTS, cell(budget="standard")),
        (describe_weights, WEIGHTS, {"digest": "0c"}),
        (describe_weights, WEIGHTS, {"images": ["i2", "i1"]}),
        (describe_weights, WEIGHTS, {"normal": ("substructure", "no")}),
        (describe_weights, WEIGHTS, {"numerics": Numerics("cpu", 2, 1)}),
        (describe_weights, WEIGHTS, {"numerics": Numerics("cpu", 1, 2)}),
        (describe_weights, WEIGHTS, {"numerics": Numerics("cuda", 1, 1)}),
        (describe_weights, WEIGHTS, {"code": OTHER_SOURCE}),
        (describe_features, FEATURES, {"encoder": "e:width=3"}),
        (describe_features, FEATURES, {"weights": "w2"}),
        (describe_features, FEATURES, {"images": "i2"}),
        (describe_features, FEATURES, {"part": "pooled"}),
        (describe_features, FEATURES, {"numerics": Numerics("cuda", 1, 1)}),
        (describe_features, FEATURES, {"code": OTHER_SOURCE}),
        (describe_fit, FIT, {"weights": "w2"}),
        (describe_fit, FIT, {"images": ["i1", "i3"]}),
        (describe_fit, FIT, {"skies": []}),
        (describe_fit, FIT, {"numerics": Numerics("cpu", 2, 1)}),
        (describe_fit, FIT, entrant(encoder="e:width=3")),
        (describe_fit, FIT, entrant(transfer="t:rate=1")),
        (describe_fit, FIT, cell(task="k:scale=4")),
        (describe_fit, FIT, cell(labels=10)),
        (describe_fit, FIT, cell(budget="standard")),
        (describe_fit, FIT, cell(seeds=Seeds(fit=1))),
        (describe_fit, FIT, entrant(baseline="b:k=2")),
        (describe_fit, FIT, {"code": OTHER_SOURCE}),
        (describe_predictions, PREDICTIONS, {"fit": "g"}),
        (describe_predictions, PREDICTIONS, {"images": "i2"}),
        (describe_predictions, PREDICTIONS, {"code": OTHER_SOURCE}),
        (describe_records, RECORDS, {"predictions": ["a2", "a1"]}),
        (describe_records, RECORDS, {"skies": ["s1", "s3"]}),
        (describe_records, RECORDS, {"resamples": 1000}),
        (describe_records, RECORDS, {"code": OTHER_SOURCE}),
        (describe_records, RECORDS, entrant(pretraining="none")),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_could_change_a_result_changes_its_key(describe, base, changes):
    """One change at a time."""
    assert key(describe, base) == key(describe, base)
    assert key(describe, base, **changes) != key(describe, base)


@pytest.mark.parametrize(
    ("describe", "base", "changes"),
    [
        (describe_images, IMAGES, {"condition": replace(VIS, summary="Sharp.", source="A paper")}),
        (describe_weights, WEIGHTS, cell(task="k:scale=4", labels=10)),
        (describe_fit, FIT, entrant(pretraining="none")),  # by the key of its weights
        (describe_fit, FIT, cell(seeds=Seeds(draw=1, pretraining=1))),  # by its inputs
        (describe_fit, FIT, cell(tests=(View("d", "hst-acs"),))),
        (describe_records, RECORDS, cell(labels=10)),  # by the keys of its predictions
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_could_not_leaves_it(describe, base, changes):
    """What only people read, and what is counted by the keys of inputs already."""
    assert key(describe, base, **changes) == key(describe, base)


def test_what_is_not_trained_depends_on_no_training():
    """Weights of chance, or of a file, are the same under any budget and arithmetic."""
    base = {**WEIGHTS, "images": []}
    for changes in (
        cell(budget="standard"),
        {"normal": ("a", "b")},
        {"numerics": Numerics("cuda")},
    ):
        assert key(describe_weights, base, **changes) == key(describe_weights, base)
    seeded = cell(seeds=Seeds(pretraining=1))
    assert key(describe_weights, base, **seeded) != key(describe_weights, base)


def test_descriptions_have_the_words_of_the_stores():
    """Kinds and names are those of results that were published: other ones would find none."""
    numerics = {"device": "cpu", "threads": 1, "processes": 1}
    numbers = describe_condition(VIS)
    assert numbers["name"] == "euclid-vis"
    assert numbers["pixel_scale"] == VIS.pixel_scale
    assert not {"summary", "source"} & set(numbers)
    assert describe_images(**IMAGES) == {
        "kind": "images", "dataset": "d:n=1", "digest": "0a", "split": "train", "count": 8,
        "seed": 0, "condition": numbers, "sky": None, "code": CODE,
    }  # fmt: skip
    target = SkyTarget(2, "hst-acs")
    seen = describe_images(**{**IMAGES, "sky": (target, HST)})
    assert (seen["kind"], seen["sky"]) == ("skies", [target, describe_condition(HST)])
    assert describe_weights(**WEIGHTS) == {
        "kind": "weights", "encoder": "e:width=2", "digest": "0b", "pretraining": "p", "seed": 0,
        "inputs": {"images": ["i1", "i2"]}, "budget": "quick", "normal": None,
        "numerics": numerics, "code": CODE,
    }  # fmt: skip
    assert describe_features(**FEATURES) == {
        "kind": "features", "encoder": "e:width=2", "part": "maps", "numerics": numerics,
        "inputs": {"weights": "w", "images": "i1"}, "code": CODE,
    }  # fmt: skip
    assert describe_fit(**FIT) == {
        "kind": "fits", "encoder": "e:width=2", "transfer": "t", "baseline": "", "task": "k",
        "labels": CELL.labels, "seed": 0, "budget": CELL.budget, "numerics": numerics,
        "inputs": {"weights": "w", "images": ["i1", "i2"], "skies": ["s1"]}, "code": CODE,
    }  # fmt: skip
    assert describe_predictions(**PREDICTIONS) == {
        "kind": "predictions", "inputs": {"fits": "f", "images": "i1"}, "code": CODE,
    }  # fmt: skip
    assert describe_records(**RECORDS) == {
        "kind": "records", "pretraining": "p", "resamples": 200,
        "inputs": {"predictions": ["a1", "a2"], "skies": ["s1", "s2"]}, "code": CODE,
    }  # fmt: skip
