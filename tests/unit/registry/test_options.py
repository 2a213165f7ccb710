"""`name:key=value` and its validation."""

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensbench.api.plugin import Plugin
from lensbench.errors import OptionError, UsageError
from lensbench.registry.options import Reference, build_options, option_fields, parse_reference

words = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)


class Typed(Plugin):
    """A class with options of several types."""

    @dataclass(frozen=True)
    class Options:
        """Its options."""

        depth: int = 4
        rate: float = 0.1
        mode: Literal["fast", "slow"] = "fast"
        light: bool = False
        size: Literal["small", "large"] | None = None


class Needy(Plugin):
    """A class with an option that must be given."""

    @dataclass(frozen=True)
    class Options:
        """Its options."""

        path: str


@given(words, st.dictionaries(words, words, max_size=4))
def test_a_reference_reads_back_as_it_is_written(name, options):
    """Text of a reference parses to options that sort to the same text."""
    reference = Reference(name, tuple(options.items()))
    assert str(parse_reference(str(reference))) == str(reference)


@pytest.mark.parametrize(
    "text", ["", "Name", "a:", "a:=1", "a:b=1,c", "a:b=1,,c=2", "a:b=1,b=2", "../x"]
)
def test_other_forms_are_refused(text):
    """What is not name:key=value is a mistake in the call."""
    with pytest.raises(UsageError):
        parse_reference(text)


def test_values_take_the_type_of_the_option():
    """Text becomes what the dataclass declares."""
    options = build_options(
        "x", Typed, (("depth", "6"), ("rate", "1e-3"), ("mode", "slow"), ("light", "true"))
    )
    assert options == Typed.Options(6, 1e-3, "slow", True)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("dpth", "3", ["dpth", "depth"]),
        ("depth", "three", ["depth", "three", "int", "4"]),
        ("mode", "medium", ["medium", "fast", "slow"]),
        ("rate", "1,5", ["rate"]),
        ("size", "huge", ["huge", "size is", "small", "large"]),
    ],
)
def test_a_wrong_option_names_option_value_and_what_is_allowed(key, value, words):
    """The message and its hint hold what one needs to mend the call."""
    with pytest.raises(OptionError) as caught:
        build_options("encoder x", Typed, ((key, value),))
    said = caught.value.message + caught.value.hint
    assert all(word in said for word in words)


def test_a_missing_option_is_named():
    """An option without a default has to be given."""
    with pytest.raises(OptionError, match="needs option 'path'"):
        build_options("dataset x", Needy, ())


class Positional(Needy):
    """A class whose one option needs no key."""

    positional = "path"


def test_a_first_value_without_a_key_is_the_positional_option():
    """`name:value` and `name:path=value` are the same plugin, in any order of the rest."""
    for text in ("x:some/path", "x:path=some/path"):
        assert build_options("x", Positional, parse_reference(text).options).path == "some/path"
    assert str(parse_reference("x:value,key=1")) == "x:value,key=1"


@pytest.mark.parametrize(
    ("plugin", "text"), [(Typed, "x:fast"), (Positional, "x:some,path=other"), (object, "x:some")]
)
def test_a_value_without_a_key_is_refused_where_it_says_nothing(plugin, text):
    """A plugin without a positional option, or one that is given it twice, refuses the value."""
    with pytest.raises(OptionError):
        build_options("x", plugin, parse_reference(text).options)


def test_a_plugin_without_options_refuses_any():
    """A class with no Options dataclass takes none."""
    assert build_options("x", object, ()) is None
    with pytest.raises(OptionError):
        build_options("x", object, (("a", "1"),))


def test_defaults_do_not_show_in_the_canonical_form():
    """An option at its default is the same plugin as without it."""
    assert option_fields(build_options("x", Typed, (("depth", "4"),))) == ()
    assert option_fields(build_options("x", Typed, (("depth", "5"),))) == (("depth", "5"),)
