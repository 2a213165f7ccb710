"""Which code took part in a result."""

from types import SimpleNamespace

from lensbench.cells.code import packages
from lensbench.study.cell import Cell, Entrant, View


class Everywhere:
    """A catalogue in which every plugin is of a package of its own."""

    def find(self, kind, name):
        """A plugin of this name."""
        entry = SimpleNamespace(target=f"{kind}_{name}.parts:Build")
        return SimpleNamespace(entry=entry, package=f"{kind}-{name}", version="2")


def test_every_plugin_that_a_cell_names_is_told():
    """What it was only pretrained on or adapted to among them; options are no part of a name."""
    cell = Cell(
        Entrant("e:width=8", "p", "f"),
        "t",
        View("train", "a"),
        (View("train", "a"), View("test", "b")),
        pretraining=(View("seen:x=1", "c"),),
        target=View("aim", "d"),
    )
    assert packages(Everywhere(), cell) == {
        f"{kind}_{name}": f"{kind}-{name} 2"
        for kind, names in {
            "encoder": "e", "pretraining": "p", "transfer": "f", "task": "t", "condition": "abcd",
            "dataset": ("train", "test", "seen", "aim"),
        }.items()
        for name in names
    }  # fmt: skip
    assert set(packages(Everywhere(), Cell(Entrant(baseline="b"), "t", View("d", "c"), ()))) == {
        "baseline_b", "task_t", "dataset_d", "condition_c",
    }  # fmt: skip
