"""Finding plugins, and setting the broken ones apart."""

import importlib.metadata
import sys
import types

import pytest

import lensbench
from lensbench.errors import PluginError, UsageError
from lensbench.registry.discovery import collect, load_catalogue


def point(monkeypatch, name: str, **hooks) -> importlib.metadata.EntryPoint:
    """An entry point to a module made here."""
    module = types.ModuleType(f"made_{name}")
    for hook, function in hooks.items():
        setattr(module, hook, lensbench.hookimpl(function))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return importlib.metadata.EntryPoint(name, module.__name__, "lensbench")


def entry(name: str, target: str = "collections:OrderedDict") -> lensbench.Entry:
    return lensbench.Entry(name, target, summary="made", licence="MIT")


ENTRIES = sorted(load_catalogue().entries)


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=lambda value: value)
def test_every_entry_resolves_and_is_described(catalogue, kind, name):
    """An import path that leads nowhere would only show when the plugin is used."""
    registered = catalogue.find(kind, name)
    assert catalogue.load(registered) is not None
    assert registered.entry.summary.endswith(".")
    assert registered.entry.licence


def test_a_plugin_that_raises_is_set_apart(monkeypatch):
    """One broken plugin leaves the others usable, whatever it raises."""

    def good():
        return [entry("good")]

    def bad():
        raise SystemExit("I quit")

    found = collect(
        [
            point(monkeypatch, "a", lensbench_encoders=bad),
            importlib.metadata.EntryPoint("b", "no_such_module_anywhere", "lensbench"),
            point(monkeypatch, "c", lensbench_encoders=good),
        ]
    )
    assert [item.entry.name for item in found.of_kind("encoder")] == ["good"]
    assert {broken.name for broken in found.broken} == {"a", "b"}
    assert any("I quit" in broken.error for broken in found.broken)


def test_a_misspelled_hook_is_an_error(monkeypatch):
    """A hook that does not exist would never be called."""
    found = collect([point(monkeypatch, "a", lensbench_encodrs=lambda: [entry("x")])])
    assert not found.entries
    assert "lensbench_encodrs" in found.broken[0].error


def test_a_name_is_registered_once(monkeypatch):
    """The second plugin of a name does not get it, and is reached by the name of its package."""
    same = [entry("same", "made_a:Same")]
    points = [point(monkeypatch, name, lensbench_tasks=lambda: same) for name in "ba"]
    found = collect(points)
    for name, package in (("same", "a"), ("made_a/same", "a"), ("made_b/same", "b")):
        assert found.find("task", name).package == f"made_{package}"
    assert "registered already by made_a; this one is made_b/same" in found.broken[0].error
    task = type("Same", (lensbench.Task,), {})
    monkeypatch.setattr(sys.modules["made_a"], "Same", task, raising=False)
    assert found.canonical("task", "made_a/same") == "same"
    assert found.canonical("task", "made_b/same") == "made_b/same"


def test_what_is_not_an_entry_is_refused(monkeypatch):
    """A hook returns entries and nothing else."""
    found = collect([point(monkeypatch, "a", lensbench_tasks=lambda: ["superres"])])
    assert "expected an Entry" in found.broken[0].error


def test_unknown_names_come_with_the_nearest(catalogue):
    """A typing error is answered by what was meant."""
    with pytest.raises(UsageError) as caught:
        catalogue.find("encoder", "resnet81")
    assert "resnet18" in caught.value.hint


def test_an_import_path_that_leads_nowhere_names_the_package(monkeypatch):
    """The culprit is the package, and the error says so."""
    found = collect(
        [point(monkeypatch, "a", lensbench_tasks=lambda: [entry("lost", "json:NoSuchThing")])]
    )
    with pytest.raises(PluginError, match=r"json:NoSuchThing"):
        found.build("task", "lost")


def test_options_in_another_order_are_the_same_plugin(catalogue):
    """The canonical form sorts options and leaves defaults out."""
    one = catalogue.canonical("encoder", "mae-vit:patch=4,depth=2,heads=4")
    assert (
        one
        == catalogue.canonical("encoder", "mae-vit:depth=2,patch=4")
        == ("mae-vit:depth=2,patch=4")
    )


def test_an_entrant_has_the_spelling_of_tables(catalogue):
    """Short names in full, options in order; what is no encoder stays as it is."""
    assert catalogue.spelled("symmetric:mae-vit + none + ridge") == (
        "symmetric:encoder=mae-vit + none + ridge"
    )
    assert catalogue.spelled("lensbench-tiny") == "mae-vit"
    assert catalogue.spelled("lens-model") == "lens-model"


def test_a_name_that_is_short_for_another_is_that_other(catalogue):
    """Options beside the short name replace those that it is short for."""
    for short in (name for kind, name in ENTRIES if kind == "encoder"):
        long = catalogue.find("encoder", short).entry.short_for
        if long:
            assert catalogue.canonical("encoder", short) == catalogue.canonical("encoder", long)
            assert catalogue.digest(short) == catalogue.digest(long) != ""
    assert (
        catalogue.canonical("encoder", "lensbench-cnn-long:rings=yes,view=0.2")
        == "small-resnet:rings=True,view=0.2,weights=lensbench-cnn-long"
    )
    weights = catalogue.build("encoder", "lensbench-tiny", channels=1).state_dict()
    for name, value in catalogue.build("encoder", "mae-vit", channels=1).state_dict().items():
        assert value.equal(weights[name])
