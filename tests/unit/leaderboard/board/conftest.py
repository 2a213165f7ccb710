"""A small board made by hand: two entrants, one test of 24 scenes, no plugin behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file
from tests import forged_boards

from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.writing import Contents, write_board
from lensbench.sky.seeds import seed_of
from lensbench.stats.intervals import mean_interval
from lensbench.store.keys import key_of
from lensbench.store.predictions import write_predictions
from lensbench.store.records import records_frame

SCENES = [f"0-test-{index}" for index in range(24)]
SCORES = np.linspace(0.5, 0.9, 24, dtype=np.float32)
"""A metric by scene, whose mean each row has."""

INTERVAL = mean_interval(SCORES.astype(float), 200, seed_of("bootstrap", "auroc"))
NUMERICS = {"device": "cpu", "threads": 1, "processes": 1}


def _images(split: str, count: int, seed: int, **other: Any) -> dict[str, Any]:
    return {
        "kind": "images", "dataset": "lenses", "digest": "", "split": split, "count": count,
        "seed": seed, "condition": {"name": "euclid-vis", "zeropoint": 25.72}, "sky": None,
        "code": {"harness": "abc", "torch": "2.6"}, **other,
    }  # fmt: skip


@pytest.fixture
def make_contents(tmp_path) -> Callable[..., Contents]:
    """Makes what a board of these baselines is made from."""

    def make(
        *baselines: str, budget: str = "smoke", draw: int = 0, images: bool = False, **other: Any
    ) -> Any:
        source = tmp_path / f"source-{'-'.join(baselines)}-{budget}-{draw}"
        source.mkdir()
        described: dict[str, dict[str, Any]] = {
            kind: {} for kind in ("predictions", "fits", "weights", "images", "skies")
        }
        seen = [
            _images(split, count, draw, **other)
            for split, count in {"train": 64, "validation": 16, "test": 24}.items()
        ]
        train, validation, test = (key_of(one) for one in seen)
        described["images"] = dict(zip((train, validation, test), seen, strict=True))
        rows, files = [], {}
        for number, baseline in enumerate(baselines):
            fit = {
                "kind": "fits", "encoder": "", "transfer": "", "baseline": baseline,
                "task": "morphology", "labels": None, "seed": 0, "budget": budget,
                "numerics": NUMERICS,
                "inputs": {"weights": "", "images": [train, validation], "skies": []},
                "code": {"harness": "abc", "torch": "2.6"},
            }  # fmt: skip
            cell = key_of(fit)
            answers = {"kind": "predictions", "inputs": {"fits": cell, "images": test}}
            key = key_of(answers)
            described["fits"][cell], described["predictions"][key] = fit, answers
            shape = (24, 1, 4, 4) if images else (24, 3)
            values = np.random.default_rng(number).random(shape, dtype=np.float32)
            path = source / f"{key}{'.h5' if images else '.parquet'}"
            write_predictions(path, SCENES, {"sky" if images else "probability": values})
            files[f"predictions/{path.name}"] = path
            save_file({"weight": np.ones(3, np.float32)}, source / f"{cell}.safetensors")
            files[f"fits/{cell}.safetensors"] = source / f"{cell}.safetensors"
            rows.append(_row(cell, baseline, budget, draw, key, test))
        return Contents(
            records=records_frame(rows),
            study={"name": "by-hand", "budget": budget,
                   "axes": {"task": ["morphology"], "baseline": list(baselines)},
                   "seeds": {"draw": [draw]}},
            provenance=described,
            environment={"python": "3.11", "packages": {"lensbench": "0.1.0"}},
            citations=[{"kind": "task", "name": "morphology", "citation": "someone 2019"}],
            files=files,
        )  # fmt: skip

    return make


def _row(cell: str, baseline: str, budget: str, draw: int, key: str, test: str) -> dict[str, Any]:
    return {
        "cell": cell, "state": "done", "entrant": baseline, "encoder": "", "pretraining": "",
        "transfer": "", "baseline": baseline, "task": "morphology", "dataset": "lenses",
        "test_dataset": "lenses", "train_condition": "euclid-vis", "test_condition": "euclid-vis",
        "pretraining_views": "", "target_view": "", "budget": budget, "labels": None,
        "seed_draw": draw, "seed_pretraining": 0, "seed_fit": 0, "metric": "auroc", "unit": "",
        "higher_is_better": True, "primary": True, **vars(INTERVAL),
        "chance": 0.5, "device": "cpu", "threads": 1, "processes": 1, "torch": "2.6",
        "python": "3.11", "system": "Linux x86_64", "lensbench": "0.1.0", "code": "abc",
        "predictions": key, "images": test,
    }  # fmt: skip


@pytest.fixture
def board(make_contents, tmp_path) -> Board:
    """A board that is as it should be."""
    return write_board(make_contents("spectrum-logreg", "hog-svm"), tmp_path / "board")


@pytest.fixture
def reseal() -> Callable[[Path], None]:
    """Makes the manifest agree with the files again, as one would who changed them."""

    return forged_boards.reseal


@pytest.fixture
def change_records(reseal) -> Callable[..., None]:
    """Changes columns of the first row of a board's records, and the digests with it."""

    def change(folder: Path, **values: Any) -> None:
        records = pl.read_parquet(folder / "records.parquet")
        first = pl.int_range(pl.len()) == 0
        changed = [
            pl.when(first).then(pl.lit(value)).otherwise(pl.col(name)).cast(records.schema[name])
            .alias(name)
            for name, value in values.items()
        ]  # fmt: skip
        records.with_columns(changed).write_parquet(folder / "records.parquet")
        reseal(folder)

    return change
