"""What a store says of its artefacts, and which of them somebody needs."""

import json

import pytest

from lensbench.errors import UsageError
from lensbench.store import open_store
from lensbench.store.care import find_artefact, nearest_artefact, unneeded


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


def test_what_no_record_was_made_from_is_unneeded(store):
    """Inputs of inputs are needed, their neighbours are not."""
    assert {(one.kind, one.key) for one in unneeded(store)} == {
        ("images", "2b"), ("fits", "4d"), ("fits", "4e"),
    }  # fmt: skip


def test_a_key_is_found_by_its_beginning(store):
    """Where it is the only one: two or none are told."""
    assert find_artefact(store, "3") == ("fits", "3c")
    with pytest.raises(UsageError, match="begins 2 keys"):
        find_artefact(store, "4")
    with pytest.raises(UsageError, match="no artefact"):
        find_artefact(store, "9")


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
    assert facts["nearest"] == {"key": "4d", "differs": {"seed": [1, 0]}}
    (store.root / "fits" / "3c.txt").write_text("other")
    assert "3c.txt, damaged" in lensbench("why", "3c", *where).out
    lensbench("store", "gc", "--yes", *where)
    assert "nothing like it was stored" in lensbench("why", "3c", *where).out
