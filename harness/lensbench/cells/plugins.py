"""The plugins that cells name, each built once."""

from __future__ import annotations

from typing import Any

from lensbench.api.entry import Kind
from lensbench.registry import Catalogue
from lensbench.study.cell import View


class Plugins:
    """Plugins by kind and `name:options`.

    Args:
        catalogue: Where they are found.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._built: dict[tuple[Kind, str], Any] = {}

    def get(self, kind: Kind, text: str) -> Any:
        """The plugin that `name:options` says."""
        found = self._built.get((kind, text))
        if found is None:
            found = self._built[kind, text] = self.catalogue.build(kind, text)
        return found

    def channels(self, view: View) -> int:
        """Channels of the images of a view.

        Raises:
            IncompatibleError: Where its condition has several bands and its scenes no colours.
        """
        condition = self.get("condition", view.condition)
        return int(self.get("dataset", view.dataset).channels_under(condition))

    def frozen(self, transfer: str) -> bool:
        """Whether a transfer leaves its encoder as it is, so that features can be shared."""
        return bool(transfer) and bool(self.get("transfer", transfer).frozen)

    def needs_maps(self, task: str) -> bool:
        """Whether a task reads maps beside pooled features."""
        return bool(self.get("task", task).needs_maps)

    def normal(self, task: str) -> tuple[str, str] | None:
        """Target and class to which the training for a task is confined."""
        normal: tuple[str, str] | None = self.get("task", task).normal
        return normal
