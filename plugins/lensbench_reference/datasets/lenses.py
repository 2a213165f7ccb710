"""Simulated lenses: drawn without end, the same for every class but for the substructure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lensbench import Population, Scenes, Split, Target, draw_scenes


class Lenses:
    """SIE, shear and a Sérsic source, with none, CDM or vortex substructure.

    Each split is a stream of its own, so no scene is ever in two.
    """

    version = "1"
    targets = {  # noqa: RUF012 (read only)
        "sky": Target("image", unit="µJy/arcsec²"),
        "substructure": Target("class", classes=("no_sub", "cdm", "vortex")),
        "theta_E": Target("real", unit="arcsec"),
    }
    channels = 1
    field_of_view = 6.4
    data_range = 20.0

    @dataclass(frozen=True)
    class Options:
        """Options of `lenses`."""

        lens_light: bool = False

    def __init__(self, options: Options) -> None:
        self.population = Population(lens_light=options.lens_light)

    def size(self, split: Split) -> int | None:
        """Without end."""
        return None

    def scenes(self, split: Split, indices: Sequence[int], seed: int) -> Scenes:
        """Draws scenes."""
        return draw_scenes(self.population, split, indices, seed)

    def digest(self) -> str:
        """Options and version say all."""
        return ""
