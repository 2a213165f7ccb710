"""What a store says of its artefacts, and which of them somebody needs."""

import json
import time

import pytest

from lensbench.errors import StoreError, UsageError
from lensbench.store import open_store
from lensbench.store.care import (
    artefacts,
    damaged,
    export,
    find_artefact,
    nearest_artefact,
    stale_checkpoints,
    unneeded,
)


@pytest.fixture
def store(tmp_path):
    """Images and three fits of them, of which two differ in a seed alone; one is of a record."""
    opened = open_store(tmp_path / "store")

    def put(kind, key, **described):
        with opened.writing(kind, key, ".txt", {"kind": kind, **described}, {"seconds": 2}) as path:
            path.write_text(key)

    put("images", "1a", dataset={"name": "lenses"})
    put("images", "2b", dataset={"name": "galaxies"})
    fit = {"transfer": {"name": "linear", "version": "1"}, "inputs": {"images": "1a"}}
    put("fits", "3c", seed=0, **fit)
    put("fits", "4d", seed=1, **fit)
    put("fits", "4e", seed=7, transfer={"name": "finetune", "version": "2"})
    put("records", "5f", inputs={"fits": "3c"})
    return opened


def test_the_most_like_and_what_differs_are_told(store):
    """Of two others the one with the same transfer, which differs in the seed: there → here."""
    like = nearest_artefact(store, "fits", "3c")
    assert like.key == "4d"
    assert like.differs == {"seed": (1, 0)}
    assert nearest_artefact(store, "records", "5f") is None


def test_what_differs_is_named_by_its_path(store):
    """In mappings and lists, also where only one of the two has it; the first of equals is told."""
    for key, named in (
        ("aa", {"budget": {"name": "quick", "steps": [1, 2]}, "names": ["x"]}),
        ("bb", {"budget": {"name": "smoke", "steps": [1, 3, 4]}, "names": ["x"]}),
        ("cc", {"budget": {"name": "smoke", "steps": [1, 3, 4]}, "names": ["x"]}),
    ):
        with store.writing("weights", key, ".txt", {"kind": "weights", **named}) as path:
            path.write_text(key)
    like = nearest_artefact(store, "weights", "aa")
    assert like.differs == {
        "budget.name": ("smoke", "quick"),
        "budget.steps[1]": (3, 2),
        "budget.steps[2]": (4, None),
    }
    assert like.key == store.keys("weights")[1 if store.keys("weights")[0] == "aa" else 0]
    assert nearest_artefact(store, "weights", "bb").differs == {}
    assert nearest_artefact(store, "weights", "zz") is None


def test_of_many_keys_a_few_are_named(store):
    """Six that begin so; and where there are two hundred and more, none that is like it."""
    for number in range(194):
        with store.writing("skies", f"7{number:03d}", ".txt", {"kind": "skies"}) as path:
            path.write_text("x")
        if number == 192:  # with the six of the fixture one less than two hundred
            with pytest.raises(UsageError) as caught:
                find_artefact(store, "700x")
            assert caught.value.hint.startswith("did you mean 7")
    with pytest.raises(UsageError) as caught:
        find_artefact(store, "700x")
    assert caught.value.hint == "lensbench store ls counts them"
    with pytest.raises(UsageError) as caught:
        find_artefact(store, "70")
    assert caught.value.message == "'70' begins 100 keys"
    assert caught.value.hint == "; ".join(f"skies 700{number}" for number in range(6))


def test_what_no_record_was_made_from_is_unneeded(store):
    """Inputs of inputs are needed, their neighbours are not."""
    assert {(one.kind, one.key) for one in unneeded(store)} == {
        ("images", "2b"),
        ("fits", "4d"),
        ("fits", "4e"),
    }


def test_what_belongs_to_what_is_kept_stays(store):
    """Features and scores that no record names, where all that they are of is needed."""
    for kind, key, inputs in (
        ("features", "6a", {"images": "1a"}),
        ("features", "6b", {"images": "2b"}),
        ("features", "6c", {"images": ["1a", "2b"]}),
        ("scores", "7a", {"records": "5f"}),
        ("scores", "7b", {"records": "gone"}),
    ):
        with store.writing(kind, key, ".txt", {"kind": kind, "inputs": inputs}) as path:
            path.write_text(key)
    found = {one.key for one in unneeded(store)}
    assert found == {"2b", "4d", "4e", "6b", "6c", "7b"}


def test_artefacts_are_told_with_their_size_and_time(store):
    """By kind; those that were damaged are no longer what was written."""
    found = {(one.kind, one.key): one for one in artefacts(store)}
    assert [key for _, key in found] == ["1a", "2b", "3c", "4d", "4e", "5f"]
    assert found["images", "1a"].size == 2
    assert abs(found["images", "1a"].touched - time.time()) < 60
    assert [one.key for one in artefacts(store, ("fits",))] == ["3c", "4d", "4e"]
    assert damaged(store) == []
    (store.root / "fits" / "4d.txt").write_text("4x")
    assert [(one.kind, one.key) for one in damaged(store)] == [("fits", "4d")]


def test_checkpoints_of_what_has_been_made_are_stale(store):
    """Those of weights and fits that the store has; others are gone on with."""
    with store.writing("weights", "8a", ".txt", {"kind": "weights"}) as path:
        path.write_text("w")
    folder = store.root / "checkpoints"
    folder.mkdir(exist_ok=True)
    for name in ("3c", "8a", "1a", "9z"):
        (folder / name).write_text("x")
    assert sorted(path.name for path in stale_checkpoints(store)) == ["3c", "8a"]


@pytest.mark.parametrize("images", [True, False])
def test_a_run_is_copied_with_what_it_was_made_from(store, tmp_path, images):
    """And nothing else; without images where these are not wanted; never over what is there."""
    for kind, key, inputs in (
        ("runs", "6f", {"records": ["5f"]}),
        ("scores", "5f", {"records": "5f"}),
        ("skies", "9a", {}),
        ("features", "9b", {}),
        ("records", "5f", {"fits": "3c", "skies": "9a", "features": "9b", "weights": "gone"}),
        ("fits", "3c", {"images": "1a"}),
        ("scores", "3c", {"fits": "3c"}),
    ):
        with store.writing(kind, key, ".txt", {"kind": kind, "inputs": inputs}) as path:
            path.write_text(key)
    target = tmp_path / "copy"
    wanted = {("runs", "6f"), ("records", "5f"), ("scores", "5f"), ("fits", "3c")}
    wanted |= {("images", "1a"), ("skies", "9a"), ("features", "9b")} if images else set()
    assert export(store, "6f", target, images) == len(wanted)
    copied = open_store(target)
    assert {(one.kind, one.key) for one in artefacts(copied)} == wanted
    assert damaged(copied) == []
    assert copied.find("fits", "3c").read_text() == "3c"
    with pytest.raises(StoreError) as caught:
        export(store, "6f", target, images)
    assert caught.value.message == f"{str(target)!r} is not empty"
    assert caught.value.hint == "name a new folder"


def test_a_key_is_found_by_its_beginning(store):
    """Where it is the only one: two or none are told."""
    assert find_artefact(store, "3") == ("fits", "3c")
    with pytest.raises(UsageError) as caught:
        find_artefact(store, "4")
    assert caught.value.message == "'4' begins 2 keys"
    assert caught.value.hint == "fits 4d; fits 4e"
    with pytest.raises(UsageError) as caught:
        find_artefact(store, "4x")
    assert caught.value.message == "the store has no artefact '4x'"
    assert "4d" in caught.value.hint
    with pytest.raises(UsageError, match="begins 6 keys"):
        find_artefact(store, "")
    with store.writing("scores", "5f", ".txt", {"kind": "scores"}) as path:
        path.write_text("x")
    assert find_artefact(store, "5") == ("records", "5f")  # one key, of two kinds


def test_why_tells_parts_inputs_and_what_differs(store, lensbench):
    """In words and as JSON; a damaged file is called so."""
    where = ("--store", store.address)
    told = lensbench("why", "3c", *where).out
    for line in (
        "fits 3c: 3c.txt, intact", "seconds: 2", "name: linear", "images 1a: dataset lenses",
        "most like fits 4d, which differs in:", "seed: 1 → 0",
    ):  # fmt: skip
        assert line in told, told
    facts = json.loads(lensbench("why", "3c", *where, "--json").out)
    assert facts["nearest"] == {"key": "4d", "differs": {"seed": [1, 0]}, "code": []}
    (store.root / "fits" / "3c.txt").write_text("other")
    assert "3c.txt, damaged" in lensbench("why", "3c", *where).out
    lensbench("store", "gc", "--yes", *where)
    assert "the store has no other fits to compare it with" in lensbench("why", "3c", *where).out
