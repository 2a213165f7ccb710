"""A description that was changed is not believed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensbench.store import open_store
from lensbench.store.artefacts import DamageWarning
from lensbench.store.sidecars import seal, unseal

FACTS = {
    "file": "k.h5",
    "sha256": "0" * 64,
    "from": {"kind": "images", "inputs": {"images": ["a"]}},
    "cost": {"seconds": 1.25, "joules": 1e-3},
}


def test_it_comes_back():
    """Text and back."""
    assert unseal(seal(FACTS)) == FACTS


@given(where=st.integers(0, len(seal(FACTS)) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(where, bit):
    """But for one that changes nothing that is said, such as white space."""
    content = bytearray(seal(FACTS).encode())
    content[where] ^= 1 << bit
    try:
        read = unseal(bytes(content))
    except ValueError:
        return
    assert read == FACTS


def test_a_damaged_description_is_told_and_the_artefact_made_again(tmp_path):
    """A warning that names it; then it is as good as new."""
    store = open_store(tmp_path)

    def put():
        with store.writing("things", "k", ".txt", {"made": "here"}) as path:
            path.write_text("hello")

    put()
    sidecar = tmp_path / "things" / "k.json"
    facts = json.loads(sidecar.read_text())
    facts["from"]["made"] = "hers"
    sidecar.write_text(json.dumps(facts))
    with pytest.warns(DamageWarning, match="things k"):
        assert store.find("things", "k") is None
    assert not store.intact("things", "k")
    put()
    assert store.find("things", "k") is not None
