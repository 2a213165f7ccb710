"""Simulated lenses of a named population: drawn without end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from annotated_types import Ge

from lensbench import (
    Dataset,
    OptionError,
    Population,
    Scenes,
    Split,
    Target,
    condition_of,
    draw_scenes,
    population_of,
    scene_targets,
)

_DATA_RANGE = {
    "pedagogical": 20.0,
    "deeplense-i": 60.0,
    "survey": 60.0,
    "cdm-realistic": 60.0,
    "look-alikes": 60.0,
}
"""Full scale by the first word that a population's name has; 600 of bright DeepLense sources."""


class Lenses(Dataset):
    """Lenses as a wide survey finds them, with no, CDM or vortex substructure.

    `population` names another population: a pedagogical one, DeepLense's, look-alikes, or one with
    something moved out of its range. `others` is how many non-lenses there are for each lens in
    `look-alikes`. `cuts` names the condition under which a lens has to be detectable, or `none` to
    keep all; `snr` and `magnification` are the least it then has to have. Each split is a stream
    of its own, so no scene is ever in two. Real targets are those whose parameters the population
    draws. `survey`, its shifts, `cdm-realistic` and `look-alikes` have colours under conditions of
    several bands; under one filter all populations are grey.
    """

    version = "5"
    field_of_view = 6.4

    @dataclass(frozen=True)
    class Options:
        """Options of `lenses`."""

        lens_light: bool = False
        population: str = "survey"
        others: Annotated[int, Ge(1)] = 1
        cuts: str = ""
        snr: float = 20.0
        magnification: float = 3.0

    def __init__(self, options: Options) -> None:
        name = options.population
        self.population = population_of(name)
        if options.lens_light:
            if not isinstance(self.population, Population):
                raise OptionError(f"lens_light is no option of population {name!r}", "leave it out")
            self.population = replace(self.population, lens_light=True)
        if options.others > 1:
            if self.population.others is None:
                raise OptionError(
                    f"others is no option of population {name!r}", "it is one of look-alikes"
                )
            self.population = replace(self.population, others=options.others)
        self.population = _with_cuts(self.population, options)
        root = name.split("@")[0].removesuffix("-faithful")
        self.channels = 3 if root == "deeplense-iv" else 1
        self.coloured = self.population.coloured
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
        """Of the cuts, whose condition may be a plugin's; options and version say all else."""
        cuts = self.population.cuts
        return hashlib.sha256(repr(cuts).encode()).hexdigest()[:16] if cuts else ""


def _with_cuts(population: Any, options: Lenses.Options) -> Any:
    """The population with the cuts that the options name."""
    if (options.cuts, options.snr, options.magnification) == ("", 20.0, 3.0):
        return population
    if not population.selects:
        raise OptionError(
            f"population {options.population!r} knows no cuts",
            "leave out cuts, snr and magnification, or take survey, cdm-realistic or look-alikes",
        )
    condition = population.cuts.condition
    if options.cuts:
        condition = None if options.cuts == "none" else condition_of(options.cuts)
    return population.with_cuts(condition, options.snr, options.magnification)
