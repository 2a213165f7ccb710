"""Simulated lenses of a named population: drawn without end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge

from lensbench import (
    Dataset,
    OptionError,
    Population,
    Scenes,
    Split,
    Target,
    draw_scenes,
    population_of,
    scene_targets,
)

_DATA_RANGE = {"default": 20.0, "deeplense-i": 60.0, "survey": 60.0, "look-alikes": 60.0}
"""Full scale by the first word that a population's name has; 600 of bright DeepLense sources."""


class Lenses(Dataset):
    """Lenses by default as SIE, shear and a Sérsic source, with none, CDM or vortex substructure.

    `population` takes them from elsewhere: DeepLense's, a survey's, or a shift of these. `others`
    is how many non-lenses there are for each lens in `look-alikes`. Each
    split is a stream of its own, so no scene is ever in two. Real targets are those whose
    parameters the population draws.
    """

    version = "4"
    field_of_view = 6.4

    @dataclass(frozen=True)
    class Options:
        """Options of `lenses`."""

        lens_light: bool = False
        population: str = "default"
        others: Annotated[int, Ge(1)] = 1

    def __init__(self, options: Options) -> None:
        name = options.population
        self.population = population_of(name)
        if options.lens_light:
            if not isinstance(self.population, Population):
                raise OptionError(f"lens_light is no option of population {name!r}", "leave it out")
            self.population = replace(self.population, lens_light=True)
        if options.others > 1:
            if not hasattr(self.population, "others"):
                raise OptionError(
                    f"others is no option of population {name!r}", "it is one of look-alikes"
                )
            self.population = replace(self.population, others=options.others)
        root = name.split("@")[0].removesuffix("-faithful")
        self.channels = 3 if root == "deeplense-iv" else 1
        self.data_range = _DATA_RANGE.get(root, 600.0)
        self.targets = {
            "sky": Target("image", unit="µJy/arcsec²"),
            self.population.target: Target("class", classes=self.population.classes),
            **scene_targets(self.population),
        }

    def size(self, split: Split) -> int | None:
        """Without end."""
        return None

    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """Draws scenes."""
        return draw_scenes(self.population, split, indices, seed)

    def digest(self) -> str:
        """Options and version say all."""
        return ""
