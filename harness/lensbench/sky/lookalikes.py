"""Lenses and galaxies that look like them: spirals, rings, mergers, edge-on discs, ellipticals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from lensbench.api.condition import Condition
from lensbench.sky.assembly import assemble, spectrum
from lensbench.sky.components import Light, Ring, SceneModel, Sersic, Spiral
from lensbench.sky.detectability import Cuts
from lensbench.sky.lensing import axis_ratio
from lensbench.sky.population import ScenePopulation
from lensbench.sky.survey import Survey

SHARES = {"spiral": 0.35, "ring": 0.2, "merger": 0.2, "edge-on": 0.15, "elliptical": 0.1}
"""Shares of the kinds among non-lenses.

They are set, not measured. Rings, spirals and mergers are what searches mistake for lenses: next to
405 candidates, Rojas et al. 2022 (arXiv:2109.00014) list 539 ring galaxies.
An elliptical alone is easy to distinguish from a lens.
"""

KINDS = tuple(SHARES)
"""Kinds of non-lenses; the parameter `kind` is an index into these."""

SPECTRA = {
    "spiral": (1.0, 2.5),
    "ring": (1.5, 3.0),
    "merger": (0.5, 2.5),
    "edge-on": (0.5, 1.5),
    "elliptical": (0.0, 0.0),
}
"""Bounds of the place on the sequence of `lensbench.sky.spectra` of what shines beside the centre.

Arms are of Sbc to late spirals. Rings have B − V of 0.3 to 0.7, which is Sbc to irregular (Appleton
& Struck-Marcell 1996, section 3.1). Merging galaxies are of all types but the extremes. Discs seen
edge-on are reddened by their dust. Bounds are round numbers. All are at the redshift of the lens,
so that a blue ring is redder than an arc of the same galaxy.
"""


@dataclass(frozen=True)
class LookAlikes(ScenePopulation):
    """Lenses of a survey beside galaxies that look like them, for lens finding.

    A look-alike has the same neighbours, drawn in the same order, and in place of the lensed source
    what shines of the brightness and size that the arcs would have had: the arms of a spiral, a
    ring, two companions, or a disc seen edge-on through the centre; an elliptical has nothing. A
    spiral has a faint bulge in place of the central galaxy. Kinds come in the shares of `SHARES`.

    Attributes:
        survey: Where central galaxies, sources and neighbours are from.
        others: Non-lenses for each lens.
    """

    target: ClassVar[str] = "lens"
    classes: ClassVar[tuple[str, ...]] = ("non_lens", "lens")
    source_scale: ClassVar[str] = Survey.source_scale
    selects: ClassVar[bool] = True
    coloured: ClassVar[bool] = True

    survey: Survey = field(default_factory=Survey)
    others: int = 1

    @property
    def cuts(self) -> Cuts | None:  # type: ignore[override]  # of the survey within
        """What a lens has to have to be found; non-lenses are drawn as lenses are."""
        return self.survey.cuts

    def with_cuts(
        self, condition: Condition | None, snr: float = 20.0, magnification: float = 3.0
    ) -> LookAlikes:
        """The same with other cuts, or with none where no condition is given."""
        return replace(self, survey=self.survey.with_cuts(condition, snr, magnification))

    @property
    def cycle(self) -> tuple[int, ...]:
        """Labels of scenes in turn: so many non-lenses, then a lens."""
        return (0,) * self.others + (1,)

    def draw(self, label: int, random: np.random.Generator) -> dict[str, float | np.ndarray]:
        """Parameters of one scene; `kind` is an index into `KINDS`, `theta_E` that of a lens."""
        drawn = self.survey.draw(0, random)
        return {
            **drawn,
            "kind": float(random.choice(len(KINDS), p=list(SHARES.values()))),
            "magnification": random.uniform(1.5, 3.0),  # magnitudes that a source gains
            "q": random.uniform(0.6, 1.0),
            "phi": random.uniform(0, math.pi),
            "pitch": random.uniform(0.15, 0.5),
            "contrast": random.uniform(0.5, 0.95),
            "width": random.uniform(0.1, 0.25),
            "faintness": random.uniform(1.0, 3.0),  # magnitudes that a bulge lacks
            "thickness": random.uniform(0.1, 0.25),
        }

    def colours(
        self, drawn: Mapping[str, Any], random: np.random.Generator
    ) -> dict[str, float | np.ndarray]:
        """Kinds of all spectra: those of the survey, and that of the feature that is no arc."""
        bounds = SPECTRA[KINDS[int(drawn["kind"])]]
        return {**self.survey.colours(drawn, random), "feature_kind": random.uniform(*bounds)}

    def model(self, parameters: Mapping[str, Any], label: int) -> SceneModel:
        """The parts of the scene of these parameters."""
        if self.classes[label] == "lens":
            return assemble(parameters, "no_sub", lens_light=True)
        p = dict(parameters)
        if KINDS[int(p["kind"])] == "spiral":
            p["lens_magnitude"] += p["faintness"]
            p["lens_radius"] *= 10 ** (-0.2 * p["faintness"])  # of the same surface brightness
        return SceneModel(lights=(*assemble(p, "no_sub", lens_light=True).lights, *_look_alike(p)))


def _look_alike(p: Mapping[str, Any]) -> tuple[Light, ...]:
    """What shines beside the central galaxy and was not lensed."""
    kind = KINDS[int(p["kind"])]
    x, y, theta_E, q, phi = p["lens_x"], p["lens_y"], p["theta_E"], p["q"], p["phi"]
    magnitude = p["source_magnitude"] - p["magnification"]
    seen = spectrum(p, "feature_kind", "z_lens")
    if kind == "spiral":
        arms = Spiral(magnitude, theta_E, q, phi, 2.0, p["contrast"], p["pitch"], x, y, seen)
        return (arms,)
    if kind == "ring":
        return (Ring(magnitude, theta_E, p["width"] * theta_E, q, phi, x, y, seen),)
    if kind == "edge-on":
        return (Sersic(magnitude, theta_E / 1.5, 1.0, p["thickness"], phi, x, y, seen),)
    if kind == "merger":
        q_other = axis_ratio(p["source_ellipticity"])
        return tuple(
            Sersic(
                magnitude,
                p["source_radius"],
                1.5,
                q_other,
                p["source_phi"] + turn,
                x + distance * theta_E * math.cos(phi),
                y + distance * theta_E * math.sin(phi),
                seen,
            )
            for distance, turn in ((1.0, 0.0), (-0.8, 0.7))
        )
    return ()
