"""Keys change when, and only when, a result could."""

import hashlib
import json
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensbench.store.keys import canonical, key_of

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), trees, min_size=2, max_size=5))
def test_order_does_not_matter(description):
    """A mapping and its reverse have one key."""
    assert key_of(description) == key_of(dict(reversed(list(description.items()))))


@given(trees, trees)
def test_values_matter(one, other):
    """Two values have one key exactly where they are the same JSON."""

    def text(value):
        return json.dumps(value, sort_keys=True)

    same = text(one) == text(other)
    assert (key_of({"value": one}) == key_of({"value": other})) == same


@dataclass(frozen=True)
class Described:
    """What a description may hold beside plain values."""

    name: str
    size: float


def test_a_key_is_of_the_canonical_text():
    """20 digits of SHA-256 of JSON without blanks, names in order: what others can compute."""
    text = '{"a":{"name":"x","size":0.5},"b":[1,null]}'
    assert (
        key_of({"b": [1, None], "a": {"size": 0.5, "name": "x"}})
        == (hashlib.sha256(text.encode()).hexdigest()[:20])
    )


def test_dataclasses_and_mappings_are_their_fields():
    """They have the key of the same dictionary, and read back as one."""
    plainly = {"what": {"name": "x", "size": 0.5}}
    for what in (Described("x", 0.5), MappingProxyType({"size": 0.5, "name": "x"})):
        assert key_of({"what": what}) == key_of(plainly)
        assert canonical({"what": what}) == plainly
    assert key_of({"what": Described("y", 0.5)}) != key_of(plainly)


@pytest.mark.parametrize(("value", "named"), [(object(), "type object"), (Described, "type type")])
def test_what_is_not_plain_is_refused(value, named):
    """An object without a stable text would make a key that never hits or always does."""
    with pytest.raises(TypeError, match=f"a key cannot hold .* of {named}"):
        key_of({"value": value})
