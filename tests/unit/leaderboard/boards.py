"""Records and scores by scene as a small study would leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from lensbench.store.records import records_frame
from lensbench.store.scores import scores_frame

SCENES = 40


def rows(
    entrant: str,
    skill: float,
    seeds: int = 3,
    condition: str = "home",
    chance: int = 0,
    draws: int = 1,
    **facts,
) -> tuple[list[dict], list[dict]]:
    """Records of an entrant by a mean over scenes, and its values by scene.

    Scenes are as hard for every entrant; `chance` sets what is its own.
    """
    records, scores = [], []
    own = np.random.default_rng([chance, len(entrant), ord(entrant[0])])
    for draw in range(draws):
        scene = np.random.default_rng(draw).normal(0, 2, SCENES)
        for seed in range(seeds):
            values = skill + scene + own.normal(0, 0.2, SCENES) + own.normal(0, 0.05)
            mean, half = values.mean(), 2.02 * values.std(ddof=1) / np.sqrt(SCENES)
            cell = f"{entrant}-{draw}-{seed}-{chance}-{condition}"
            where = {"cell": cell, "test_dataset": "lenses", "test_condition": condition,
                     "metric": "psnr"}  # fmt: skip
            records.append({
                **where, "state": "done", "entrant": entrant, "encoder": entrant,
                "pretraining": "mae", "transfer": "linear", "task": "superres",
                "dataset": "lenses", "train_condition": "home", "budget": "quick",
                "target_view": "", "pretraining_views": "", "seed_draw": draw,
                "seed_pretraining": seed, "seed_fit": 0, "unit": "dB", "higher_is_better": True,
                "primary": True, "value": mean, "low": mean - half, "high": mean + half,
                "n": SCENES, "predictions": cell, "code": "c0de", **facts,
            })  # fmt: skip
            scores.append({**where, "per_scene": True, "scenes": f"draw-{draw}", "n": SCENES,
                           "values": values.astype(np.float32)})  # fmt: skip
    return records, scores


def failed(entrant: str, condition: str = "home", **facts) -> dict:
    """The record of a cell that failed."""
    record = rows(entrant, 0.0, 1, condition, **facts)[0][0]
    blank = dict.fromkeys(("value", "low", "high", "n", "predictions"))
    return record | {"state": "failed", "error": "it broke"} | blank


def write_board(folder: Path, *parts: tuple[list[dict], list[dict]], scores: bool = True) -> Path:
    """A folder with records and, if wanted, scores by scene."""
    folder.mkdir(parents=True, exist_ok=True)
    records = records_frame([row for part in parts for row in part[0]])
    records.write_parquet(folder / "records.parquet")
    if scores:
        frame = scores_frame([row for part in parts for row in part[1]])
        frame.write_parquet(folder / "scores.parquet")
    return folder


def read_board(folder: Path) -> pl.DataFrame:
    """Its records."""
    return pl.read_parquet(folder / "records.parquet")
