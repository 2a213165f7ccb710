"""The code that artefacts of each kind depend on, as their descriptions say it."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lensbench.api.entry import Kind
from lensbench.registry import Catalogue, parse_reference
from lensbench.store import Store
from lensbench.store.closure import Closure, closure_of
from lensbench.store.manifests import keep_manifest
from lensbench.store.provenance import checkout
from lensbench.study.cell import Cell

ENTRY_POINTS: Mapping[str, tuple[str, ...]] = {
    "images": ("lensbench.cells.images", "lensbench.registry.options"),
    "weights": (
        "lensbench.cells.weights",
        "lensbench.registry.options",
        "lensbench.training.division",
    ),
    "features": ("lensbench.cells.frozen_features", "lensbench.registry.options"),
    "fits": ("lensbench.cells.fits", "lensbench.registry.options"),
    "predictions": ("lensbench.cells.answers",),
    "records": ("lensbench.cells.score", "lensbench.registry.options"),
}
"""Modules in which the making of each kind begins, beside the plugins that take part.

Skies are made with images, and scores with records.
"""

Asked = tuple[str, ...]
"""A kind of artefact and the plugins that take part, each as `kind/name`."""


CodeDigest = Mapping[str, Any]
"""What a description says of its code."""


class Code:
    """Digests of code, each found when it is first asked for.

    Args:
        catalogue: Where plugins are found.
        known: What was found elsewhere, and is said again: the code of a plan is that of the
            process that planned, whatever becomes of the files while others work.
    """

    def __init__(
        self, catalogue: Catalogue, known: Mapping[Asked, CodeDigest] | None = None
    ) -> None:
        self._catalogue = catalogue
        self._known = dict(known or {})

    def of(self, kind: str, *plugins: str) -> CodeDigest:
        """What the description of an artefact says of its code.

        Args:
            kind: Of the artefact.
            plugins: Each `kind/name:options`; those without a name are left out.
        """
        asked = self._asked(kind, plugins)
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self.closure(asked).code
        return found

    def stands(self, kind: str, *plugins: str) -> bool:
        """Whether the source is still what its digest, found earlier or elsewhere, is of."""
        return self.closure(self._asked(kind, plugins)).code == self.of(kind, *plugins)

    @property
    def known(self) -> Mapping[Asked, CodeDigest]:
        """All that was asked for."""
        return dict(self._known)

    def closure(self, asked: Asked) -> Closure:
        """The modules and packages behind a digest, as they are now."""
        kind, *plugins = asked
        return closure_of((*ENTRY_POINTS[kind], *map(self._module, plugins)))

    def keep(self, store: Store) -> None:
        """Writes down in a store which modules and functions each digest is of."""
        kept = store.stored("code")
        for asked, code in self._known.items():
            if code["source"] not in kept:
                keep_manifest(store, self.closure(asked))

    def _asked(self, kind: str, plugins: Iterable[str]) -> Asked:
        """A kind and the plugins that take part, with the encoders that an encoder is made of."""
        named = [word for word in plugins if not word.endswith("/")]
        for word in [one for one in named if one.startswith("encoder/")]:
            named += [f"encoder/{one}" for one in self._catalogue.wrapped(word[len("encoder/") :])]
        return (kind, *(word.partition(":")[0] for word in named))

    def _module(self, plugin: str) -> str:
        kind, _, name = plugin.partition("/")
        return self._catalogue.find(kind, name).entry.target.partition(":")[0]  # type: ignore[arg-type]


@functools.cache
def harness_version() -> str:
    """The installed version of lensbench."""
    return importlib.metadata.version("lensbench")


def plugins_of(cell: Cell) -> Iterator[tuple[Kind, str]]:
    """Kind and `name:options` of every plugin that a cell names."""
    entrant = cell.entrant
    named: tuple[tuple[Kind, str], ...] = (
        ("encoder", entrant.encoder),
        ("pretraining", entrant.pretraining),
        ("transfer", entrant.transfer),
        ("baseline", entrant.baseline),
        ("task", cell.task),
    )
    yield from ((kind, text) for kind, text in named if text)
    for view in (cell.train, *cell.tests, *cell.pretraining, *filter(None, [cell.target])):
        yield "dataset", view.dataset
        yield "condition", view.condition


def packages(catalogue: Catalogue, cell: Cell) -> dict[str, str]:
    """The packages of the plugins that a cell names: name and version, by module."""
    found = {}
    for kind, text in plugins_of(cell):
        item = catalogue.find(kind, parse_reference(text).name)
        module = item.entry.target.partition(":")[0].partition(".")[0]
        found[module] = f"{item.package} {item.version}"
    return found


def checkouts(catalogue: Catalogue, cell: Cell) -> str:
    """Commits of the checkouts from which harness and plugins run, where they do."""
    modules = {"lensbench", *packages(catalogue, cell)}
    return ", ".join(sorted({f"{checkout(module)}" for module in modules} - {""}))
