"""The promise to plugins."""

import importlib.metadata
import sys
import types

import pytest

import lensbench
from lensbench import compatibility
from lensbench.registry.discovery import collect


def collected(monkeypatch, written_for):
    """A catalogue of one plugin that says which version it was written for."""
    module = types.ModuleType("made_versioned")
    module.lensbench_api = written_for
    made = [lensbench.Entry("made", "json:loads", summary="Made.", licence="MIT")]
    module.lensbench_tasks = lensbench.hookimpl(lambda: made)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return collect([importlib.metadata.EntryPoint("made", module.__name__, "lensbench")])


def test_a_plugin_for_an_older_version_is_used_with_a_warning(monkeypatch):
    """The warning names what has changed since."""
    monkeypatch.setattr(compatibility, "API_VERSION", 3)
    monkeypatch.setattr(compatibility, "CHANGES", {1: "first", 2: "heads", 3: "losses"})
    found = collected(monkeypatch, 1)
    assert ("task", "made") in found.entries
    assert found.outdated[0].changes == "version 2: heads; version 3: losses"


@pytest.mark.parametrize("written_for", [lensbench.API_VERSION + 1, 0, "1", None, True])
def test_a_newer_version_or_none_is_set_apart(monkeypatch, written_for):
    """Such a plugin is broken, in one line that says why."""
    found = collected(monkeypatch, written_for)
    assert not found.entries
    assert str(lensbench.API_VERSION) in found.broken[0].error


def test_a_deprecated_function_or_class_goes_on_working_with_a_warning():
    """The warning says what to write instead."""

    @compatibility.deprecated(2, "write new()")
    def old(value):
        return value + 1

    @compatibility.deprecated(2, "write New")
    class Old:
        def __init__(self, value):
            self.value = value

    with pytest.warns(DeprecationWarning, match=r"old .*version 2.*write new\(\)"):
        assert old(1) == 2
    with pytest.warns(DeprecationWarning, match="Old .*write New"):
        assert Old(3).value == 3
