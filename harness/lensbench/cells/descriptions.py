"""What the artefacts of cells depend on: plugins, numerics and code as they are here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lensbench.api.budget import find_budget
from lensbench.api.condition import Condition
from lensbench.api.dataset import Split
from lensbench.cells.code import Code, CodeDigest
from lensbench.cells.images import Layer, SceneSet, Sky
from lensbench.cells.plugins import Plugins
from lensbench.study.cell import Cell, View
from lensbench.study.describe import (
    Description,
    Draw,
    Numerics,
    describe_features,
    describe_fit,
    describe_images,
    describe_predictions,
    describe_records,
    describe_weights,
)

Role = Literal["pretraining", "train", "validation", "adaptation", "test"]
Part = Literal["pooled", "maps"]


@dataclass(frozen=True, slots=True)
class SplitView:
    """Scenes of a split as a cell sees them.

    Attributes:
        role: What the cell needs them for.
        view: The dataset under a condition.
        scenes: Which scenes.
        images: How they are observed.
        sky: The sky behind them; `None` where the cell does not ask for it.
    """

    role: Role
    view: View
    scenes: SceneSet
    images: Layer
    sky: Layer | None

    @property
    def split(self) -> Split:
        """The split that the scenes are of."""
        return self.scenes.split

    @property
    def layers(self) -> list[Layer]:
        """Images, and the sky where it is asked for."""
        return [self.images, self.sky] if self.sky else [self.images]


def layers_by_scenes(views: Iterable[SplitView]) -> dict[SceneSet, list[Layer]]:
    """All layers of each set of scenes, so that one pass over the scenes makes them."""
    found: dict[SceneSet, list[Layer]] = {}
    for seen in views:
        found.setdefault(seen.scenes, []).extend(seen.layers)
    return found


@dataclass(frozen=True)
class Descriptions:
    """Describes artefacts.

    Attributes:
        plugins: What cells name.
        numerics: How things are computed.
        code: Digests of what computes them.
    """

    plugins: Plugins
    numerics: Numerics
    code: Code

    def images(self, scenes: SceneSet, condition: Condition, sky: Sky | None) -> Description:
        """What the images of scenes, or the sky behind them, depend on."""
        draw = Draw(scenes.name, scenes.dataset.digest(), scenes.split, scenes.size, scenes.seed)
        seen, code = scenes.seen(condition), self.code.of("images", f"dataset/{scenes.name}")
        return describe_images(draw, seen, sky, code)

    def weights(self, cell: Cell, pretraining: tuple[SplitView, ...]) -> Description:
        """What a cell's encoder depends on before the task."""
        entrant = cell.entrant
        code = self.code.of(
            "weights", f"encoder/{entrant.encoder}", f"pretraining/{entrant.pretraining}"
        )
        digest = self.plugins.catalogue.digest(entrant.encoder)
        images = [seen.images.key for seen in pretraining]
        normal = self.plugins.normal(cell.task)
        return describe_weights(cell, digest, images, normal, self.numerics, code)

    def features(self, cell: Cell, weights: str, images: str, part: Part) -> Description:
        """What the features of a cell's frozen encoder depend on."""
        encoder = cell.entrant.encoder
        code = self.code.of("features", f"encoder/{encoder}")
        return describe_features(encoder, weights, images, part, self.numerics, code)

    def fit(self, cell: Cell, weights: str, fitted: tuple[SplitView, ...]) -> Description:
        """What a cell's fit depends on."""
        code = self.code_of_fit(cell)
        images = [seen.images.key for seen in fitted]
        skies = [seen.sky.key for seen in fitted if seen.sky]
        return describe_fit(cell, weights, images, skies, self.numerics, code)

    def code_of_fit(self, cell: Cell) -> CodeDigest:
        """What the description of a cell's fit says of its code."""
        return self.code.of(*_fit_code(cell))

    def code_stands(self, cell: Cell) -> bool:
        """Whether the source of what a cell's fit depends on is as it was described."""
        return self.code.stands(*_fit_code(cell))

    def predictions(self, fit: str, test: SplitView) -> Description:
        """What the predictions of a fit for a test depend on."""
        return describe_predictions(fit, test.images.key, self.code.of("predictions"))

    def records(
        self, cell: Cell, predictions: tuple[str, ...], tests: tuple[SplitView, ...]
    ) -> Description:
        """What the scores of a cell depend on."""
        code = self.code.of("records", f"task/{cell.task}")
        skies = [seen.sky.key for seen in tests if seen.sky]
        resamples = find_budget(cell.budget).resamples
        return describe_records(cell, predictions, skies, resamples, code)


def _fit_code(cell: Cell) -> tuple[str, ...]:
    """The kind of a fit, and the plugins that take part."""
    entrant = cell.entrant
    return (
        "fits",
        f"task/{cell.task}",
        f"baseline/{entrant.baseline}",
        f"encoder/{entrant.encoder}",
        f"transfer/{entrant.transfer}",
    )
