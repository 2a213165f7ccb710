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
    Code,
    Description,
    Numerics,
    describe_features,
    describe_fit,
    describe_images,
    describe_predictions,
    describe_records,
    describe_weights,
)

PLUGINS = {
    "dataset/d": "1+a", "encoder/e": "2+b", "pretraining/p": "3+c", "transfer/t": "4+d",
    "task/k": "5+e", "baseline/b": "6+f",
}  # fmt: skip
CODE = Code("harness-1", PLUGINS, "2.9")
HERE = Numerics("cpu", 1, 1)
SEEN = View("d", "euclid-vis")
CELL = Cell(Entrant("e:width=2", "p", "t"), "k", SEEN, (SEEN,))
VIS, HST = condition_of("euclid-vis"), condition_of("hst-acs")

IMAGES = {
    "dataset": "d:n=1", "digest": "0a", "split": "train", "count": 8, "seed": 0,
    "condition": VIS, "sky": None, "code": CODE,
}  # fmt: skip
WEIGHTS = {
    "encoder": "e:width=2", "pretraining": "p", "seed": 0, "budget": "quick", "digest": "0b",
    "images": ["i1", "i2"], "normal": None, "numerics": HERE, "code": CODE,
}  # fmt: skip
FEATURES = {
    "encoder": "e:width=2", "weights": "w", "images": "i1", "part": "maps", "numerics": HERE,
    "code": CODE,
}  # fmt: skip
FIT = {
    "cell": CELL, "weights": "w", "images": ["i1", "i2"], "skies": ["s1"], "numerics": HERE,
    "code": CODE,
}  # fmt: skip
RECORDS = {"cell": CELL, "predictions": ["a1", "a2"], "skies": ["s1", "s2"], "resamples": 200}


def changed_code(plugin: str = "", **parts: str) -> Code:
    """The code after a change of the harness, of torch or of one plugin."""
    changed = {**PLUGINS, plugin: "9+z"} if plugin else PLUGINS
    return replace(CODE, plugins=changed, **parts)


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
        (describe_images, IMAGES, {"dataset": "d:n=2"}),
        (describe_images, IMAGES, {"digest": "0c"}),
        (describe_images, IMAGES, {"split": "test"}),
        (describe_images, IMAGES, {"count": 9}),
        (describe_images, IMAGES, {"seed": 1}),
        (describe_images, IMAGES, {"condition": HST}),
        (describe_images, IMAGES, {"sky": (SkyTarget(2, "hst-acs"), HST)}),
        (describe_images, IMAGES, {"code": changed_code("dataset/d")}),
        (describe_images, IMAGES, {"code": changed_code(harness="harness-2")}),
        (describe_images, IMAGES, {"code": changed_code(torch="3.0")}),
        (describe_weights, WEIGHTS, {"encoder": "e:width=3"}),
        (describe_weights, WEIGHTS, {"pretraining": "p:mask=0.5"}),
        (describe_weights, WEIGHTS, {"seed": 1}),
        (describe_weights, WEIGHTS, {"budget": "standard"}),
        (describe_weights, WEIGHTS, {"digest": "0c"}),
        (describe_weights, WEIGHTS, {"images": ["i2", "i1"]}),
        (describe_weights, WEIGHTS, {"normal": ("substructure", "no")}),
        (describe_weights, WEIGHTS, {"numerics": Numerics("cpu", 2, 1)}),
        (describe_weights, WEIGHTS, {"numerics": Numerics("cpu", 1, 2)}),
        (describe_weights, WEIGHTS, {"numerics": Numerics("cuda", 1, 1)}),
        (describe_weights, WEIGHTS, {"code": changed_code("encoder/e")}),
        (describe_weights, WEIGHTS, {"code": changed_code("pretraining/p")}),
        (describe_features, FEATURES, {"encoder": "e:width=3"}),
        (describe_features, FEATURES, {"weights": "w2"}),
        (describe_features, FEATURES, {"images": "i2"}),
        (describe_features, FEATURES, {"part": "pooled"}),
        (describe_features, FEATURES, {"numerics": Numerics("cuda", 1, 1)}),
        (describe_features, FEATURES, {"code": changed_code("encoder/e")}),
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
        (describe_fit, FIT, {"code": changed_code("encoder/e")}),
        (describe_fit, FIT, {"code": changed_code("transfer/t")}),
        (describe_fit, FIT, {"code": changed_code("task/k")}),
        (describe_records, RECORDS, {"predictions": ["a2", "a1"]}),
        (describe_records, RECORDS, {"skies": ["s1", "s3"]}),
        (describe_records, RECORDS, {"resamples": 1000}),
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
        (describe_images, IMAGES, {"code": changed_code("encoder/e")}),
        (describe_weights, WEIGHTS, {"code": changed_code("task/k")}),
        (describe_features, FEATURES, {"code": changed_code("pretraining/p")}),
        (describe_fit, FIT, {"code": changed_code("baseline/b")}),
        (describe_fit, FIT, {"code": changed_code("pretraining/p")}),  # by the key of its weights
        (describe_fit, FIT, cell(seeds=Seeds(draw=1, pretraining=1))),  # by its inputs
        (describe_fit, FIT, cell(tests=(View("d", "hst-acs"),))),
        (describe_records, RECORDS, cell(labels=10)),  # by the keys of its predictions
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_could_not_leaves_it(describe, base, changes):
    """Other plugins, and what is counted by the keys of inputs already."""
    assert key(describe, base, **changes) == key(describe, base)


def test_what_is_not_trained_depends_on_no_training():
    """Weights of chance, or of a file, are the same under any budget and arithmetic."""
    base = {**WEIGHTS, "images": []}
    for changes in ({"budget": "standard"}, {"normal": ("a", "b")}, {"numerics": Numerics("cuda")}):
        assert key(describe_weights, base, **changes) == key(describe_weights, base)
    assert key(describe_weights, base, seed=1) != key(describe_weights, base)


def test_a_baseline_depends_on_its_own_code():
    """It has neither encoder nor transfer."""
    base = {**FIT, **cell(entrant=Entrant(baseline="b:k=1")), "weights": ""}
    for name, differs in (("baseline/b", True), ("encoder/e", False), ("transfer/t", False)):
        changed = key(describe_fit, base, code=changed_code(name))
        assert (changed != key(describe_fit, base)) == differs
    other = {**base, **cell(entrant=Entrant(baseline="b:k=2"))}
    assert key(describe_fit, other) != key(describe_fit, base)


def test_descriptions_have_the_words_of_the_stores():
    """Kinds and names are those of results that were published: other ones would find none."""
    numerics = {"device": "cpu", "threads": 1, "processes": 1}
    code = {"harness": "harness-1", "torch": "2.9"}
    assert describe_images(**IMAGES) == {
        "kind": "images", "dataset": "d:n=1", "digest": "0a", "split": "train", "count": 8,
        "seed": 0, "condition": VIS, "sky": None, "code": {**code, "dataset/d": "1+a"},
    }  # fmt: skip
    sky = (SkyTarget(2, "hst-acs"), HST)
    seen = describe_images(**{**IMAGES, "sky": sky})
    assert (seen["kind"], seen["sky"]) == ("skies", list(sky))
    assert describe_weights(**WEIGHTS) == {
        "kind": "weights", "encoder": "e:width=2", "digest": "0b", "pretraining": "p", "seed": 0,
        "inputs": {"images": ["i1", "i2"]}, "budget": "quick", "normal": None,
        "numerics": numerics, "code": {**code, "encoder/e": "2+b", "pretraining/p": "3+c"},
    }  # fmt: skip
    assert describe_features(**FEATURES) == {
        "kind": "features", "encoder": "e:width=2", "part": "maps", "numerics": numerics,
        "inputs": {"weights": "w", "images": "i1"}, "code": {**code, "encoder/e": "2+b"},
    }  # fmt: skip
    assert describe_fit(**FIT) == {
        "kind": "fits", "encoder": "e:width=2", "transfer": "t", "baseline": "", "task": "k",
        "labels": CELL.labels, "seed": 0, "budget": CELL.budget, "numerics": numerics,
        "inputs": {"weights": "w", "images": ["i1", "i2"], "skies": ["s1"]},
        "code": {**code, "task/k": "5+e", "encoder/e": "2+b", "transfer/t": "4+d"},
    }  # fmt: skip
    assert describe_predictions("f", "i1") == {
        "kind": "predictions", "inputs": {"fits": "f", "images": "i1"},
    }  # fmt: skip
    assert describe_records(**RECORDS) == {
        "kind": "records", "pretraining": "p", "resamples": 200,
        "inputs": {"predictions": ["a1", "a2"], "skies": ["s1", "s2"]},
    }  # fmt: skip
