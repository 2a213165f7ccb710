# ruff: noqa: T201 (it prints a table)
"""Takes lenses and look-alikes apart and asks a fitted finder about each: what does it look at?

    python studies/finding/parts.py ENTRANT [RUN [STORE [COUNT]]]

The entrant is one of a run with the task `finding` on `look-alikes`. The scenes are of the test
split, beyond those of its tests, with the noise of the condition that it was trained under. The
table has the share that the finder calls a lens at a probability of one half, and the AUROC of
each kind against the look-alikes. Without arcs, a lens should be called what an elliptical galaxy
alone is called; if not, the finder knows lenses by something else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from tabulate import tabulate

from lensbench import SceneModel, condition_of, draw_scenes
from lensbench.inference.predicting import answers_of
from lensbench.inference.reading import Block
from lensbench.sky.lookalikes import KINDS, LookAlikes
from lensbench.sky.observation import observe
from lensbench.study.describe import Numerics

FIRST, FIELD = 10**7, 6.4
_CLUMPS = ("bulge_fraction", "clump_fraction")


@dataclass(frozen=True)
class Changed(LookAlikes):
    """One class alone of the look-alikes, changed before it is rendered."""

    label: int = 1
    change: Callable[[SceneModel], SceneModel] = lambda scene: scene
    without: tuple[str, ...] = ()

    @property
    def cycle(self) -> tuple[int, ...]:
        """One class."""
        return (self.label,)

    def model(self, parameters: Any, label: int) -> SceneModel:
        """The changed scene."""
        kept = {name: value for name, value in parameters.items() if name not in self.without}
        return self.change(super().model(kept, label))


LENSES: dict[str, Changed] = {
    "lenses": Changed(),
    "lenses with a smooth source": Changed(without=_CLUMPS),
    "lenses without arcs": Changed(change=lambda scene: replace(scene, sources=())),
    "lenses without mass: the source is not lensed": Changed(
        change=lambda scene: replace(scene, mass=())
    ),
    "arcs without the lens galaxy and neighbours": Changed(
        change=lambda scene: replace(scene, lights=())
    ),
}


def main(entrant: str, run: str = "", store: str = ".lensbench", count: str = "1000") -> None:
    """Prints the table."""
    answers = answers_of(store, run, entrant, "", Numerics(), print)()
    condition = condition_of(answers.condition)

    def asked(population: Changed) -> tuple[np.ndarray, np.ndarray]:
        said, kinds = [], []
        for start in range(0, int(count), 100):
            indices = range(FIRST + start, FIRST + start + 100)
            scenes = draw_scenes(population, "test", indices, 0)
            images = observe(scenes, condition, FIELD, 0)
            block = Block([str(i) for i in indices], images.numpy(), [""] * 100)
            said.append(answers(block)["probability_lens"])
            kinds.append(scenes.parameters["kind"])
        return np.concatenate(said), np.concatenate(kinds).astype(int)

    others, kinds = asked(Changed(label=0))
    rows = []
    for name, population in LENSES.items():
        found, _ = asked(population)
        truth = np.repeat([1, 0], [len(found), len(others)])
        auroc = roc_auc_score(truth, np.concatenate([found, others]))
        rows.append([name, f"{(found > 0.5).mean():.3f}", f"{auroc:.3f}", len(found)])
    rows.append(["all look-alikes", f"{(others > 0.5).mean():.3f}", "", len(others)])
    for number, kind in enumerate(KINDS):
        here = others[kinds == number]
        rows.append([f"look-alikes: {kind}", f"{(here > 0.5).mean():.3f}", "", len(here)])
    print(tabulate(rows, ["scenes", "called lenses", "AUROC", "n"], disable_numparse=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
