"""Keys change when, and only when, a result could."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensbench.store.keys import key_of

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
    import json

    def text(value):
        return json.dumps(value, sort_keys=True)

    same = text(one) == text(other)
    assert (key_of({"value": one}) == key_of({"value": other})) == same


def test_what_is_not_plain_is_refused():
    """An object without a stable text would make a key that never hits or always does."""
    with pytest.raises(TypeError):
        key_of({"value": object()})
