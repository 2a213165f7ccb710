"""Scenes for the gallery: the best, the median and the worst, with all predictions."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from lensbench.errors import LensbenchError
from lensbench.leaderboard.answer_pictures import known_window, spread
from lensbench.leaderboard.contenders import NAME, TABLE
from lensbench.leaderboard.gallery import ClassOf, class_truth, real_target
from lensbench.leaderboard.page.evidence import Predict
from lensbench.leaderboard.page.gallery_scenes import GalleryScenes, ScenesOf
from lensbench.leaderboard.page.packing import clip, short
from lensbench.stats.aggregate import average_ranks

MOST_ENTRANTS = 16
"""Largest number of entrants of a table whose predictions are shown, the best first."""

MOST_BYTES = 4_000_000
"""Largest size of all pictures; further tables are left out, and the page says so."""

_UNREADABLE = (
    LensbenchError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    pl.exceptions.PolarsError,
)
_RANKS = ("worst", "median", "best")
_LEVELS = 64


@dataclass(frozen=True)
class _Answer:
    name: str
    predictions: dict[str, np.ndarray]


def draw_scenes(
    rows: pl.DataFrame,
    scenes_of: ScenesOf,
    predictions: Predict,
    class_of: ClassOf = lambda task: ("", ""),
) -> dict[str, Any]:
    """Sets of scenes, one for a table, number of labels and condition.

    Args:
        rows: One row for all seeds, from `combine`; the predictions of one seed are shown.
        scenes_of: Gives test scenes by the keys of their images and skies.
        predictions: Gives predictions by key.
        class_of: Says what the classes of a task are. Where it does not, they are those of the
            first target that has as many as answers do, and the first is normal.

    Returns:
        `sets`, empty if images or predictions are not available. Then there is no gallery.
    """
    primary = rows.filter((pl.col("state") == "done") & pl.col("primary"))
    sets: list[dict[str, Any]] = []
    size = 0
    for key, frame in primary.group_by(*TABLE, "labels", "test_condition", maintain_order=True):
        if size > MOST_BYTES:
            break
        try:
            drawn = _draw(frame, scenes_of, predictions, class_of)
        except _UNREADABLE:
            continue  # what cannot be read is not shown; `verify` says what is wrong with it
        if drawn is None:
            continue
        *facts, labels, condition = key
        named = {name: clip(str(fact)) for name, fact in zip(TABLE, facts, strict=True)}
        drawn |= {"table": named, "labels": labels, "condition": clip(str(condition))}
        size += len(json.dumps(drawn))
        sets.append(drawn)
    return {"sets": sets}


def _draw(
    frame: pl.DataFrame, scenes_of: ScenesOf, predictions: Predict, class_of: ClassOf
) -> dict[str, Any] | None:
    first = frame.row(0, named=True)
    scenes = scenes_of(str(first["images"]), first["truth"])
    if scenes is None:
        return None
    ranked = frame.sort("value", descending=bool(first["higher_is_better"]))
    answers = list(_answers(ranked.head(MOST_ENTRANTS), predictions, scenes.ids))
    if not answers:
        return None
    left_out = ranked.height - len(answers)
    common: dict[str, Any] = {
        "left_out": left_out,
        "note": "Of the first seed.",
        "columns": [],
        "parts": False,
    }
    if "sky" in answers[0].predictions:
        return None if scenes.skies is None else common | _skies(scenes, scenes.skies, answers)
    numbers = _numbers(first, scenes, answers, class_of)
    return None if numbers is None else common | numbers


def _answers(rows: pl.DataFrame, predictions: Predict, ids: list[str]) -> Iterable[_Answer]:
    for row in rows.with_columns(NAME).iter_rows(named=True):
        found = predictions(str(row["predictions"]))
        if found is not None and found[0] == ids:
            yield _Answer(clip(row["name"]), found[1])


def _skies(scenes: GalleryScenes, truth: np.ndarray, answers: list[_Answer]) -> dict[str, Any]:
    """Pictures; the loss is the error in decibels below the brightest pixel of the truth."""
    top = np.nanmax(truth, axis=(1, 2, 3)) ** 2
    losses = []
    for answer in answers:
        error = np.nanmean((answer.predictions["sky"] - truth) ** 2, axis=(1, 2, 3))
        losses.append(10 * np.log10(top / np.maximum(error, 1e-12 * top)))
    chosen = spread(np.mean(losses, axis=0), len(_RANKS))
    shown = []
    for rank, index in zip(_RANKS, chosen, strict=False):
        image = scenes.image(index)[0]
        fine, coarse = known_window(truth[index, 0], image.shape[-1])
        wanted = truth[index, 0][fine]
        draw = _sky_picture(max(float(np.nanmax(wanted)), 1.0))
        given = [
            {
                "name": answer.name,
                "loss": short(float(loss[index])),
                "picture": draw(answer.predictions["sky"][index, 0][fine]),
            }
            for answer, loss in zip(answers, losses, strict=True)
        ]
        shown.append(
            {
                "rank": rank,
                "id": clip(scenes.ids[index]),
                "input": draw(image[coarse]),
                "truth": draw(wanted),
                "answers": given,
            }
        )
    loss_name = "error in dB below the brightest pixel of the truth"
    return {"loss": loss_name, "scenes": shown[::-1]}


class _AnswerTable(NamedTuple):
    """Answers in numbers, as a table of columns for each scene.

    Attributes:
        columns: Their names.
        values: Of each entrant (N, columns).
        losses: Of each entrant (N,), the better the lower.
        loss: What that is.
        truth: Of each scene, in words.
        parts: Whether values are shares of one, drawn as bars.
    """

    columns: list[str]
    values: list[np.ndarray]
    losses: list[np.ndarray]
    loss: str
    truth: list[str]
    parts: bool


def _numbers(
    first: Mapping[str, Any], scenes: GalleryScenes, answers: list[_Answer], class_of: ClassOf
) -> dict[str, Any] | None:
    """Answers in numbers beside the truth, whatever they are about."""
    given = answers[0].predictions
    asked = class_of(str(first["task"]))
    if "probability" in given:
        each = [answer.predictions["probability"] for answer in answers]
        listed = _classes(
            *class_truth(scenes.classes, scenes.targets, each[0].shape[1], asked[0]), each
        )
    elif "score" in given:
        each = [answer.predictions["score"] for answer in answers]
        truth, names = class_truth(scenes.classes, scenes.targets, None, asked[0])
        listed = _anomaly_ranks(truth, names, asked[1], each)
    else:
        columns = _targets(first, scenes.targets)
        means = [answer.predictions["mean"] for answer in answers]
        if any(one.shape[1] != len(columns) for one in means):
            return None
        listed = _parameters(columns, scenes.targets, means)
    chosen = spread(-np.mean(listed.losses, axis=0), len(_RANKS))
    shown = []
    for rank, index in zip(_RANKS, chosen, strict=False):
        image = scenes.image(index)[0]
        draw = _sky_picture(max(float(np.nanmax(image)), 1.0))
        said = [
            {
                "name": answer.name,
                "loss": short(float(loss[index])),
                "values": [short(float(value)) for value in values[index]],
            }
            for answer, values, loss in zip(answers, listed.values, listed.losses, strict=True)
        ]
        shown.append(
            {
                "rank": rank,
                "id": clip(scenes.ids[index]),
                "input": draw(image),
                "truth": clip(listed.truth[index]),
                "answers": said,
            }
        )
    names = [clip(name) for name in listed.columns]
    return {"loss": listed.loss, "columns": names, "parts": listed.parts, "scenes": shown[::-1]}


def _classes(truth: np.ndarray, names: list[str], answered: list[np.ndarray]) -> _AnswerTable:
    """Probabilities of classes; the loss is minus the log probability of the true class."""
    rows = np.arange(len(truth))
    losses = [-np.log(np.maximum(one[rows, truth], 1e-6)) for one in answered]
    told = [names[label] for label in truth]
    return _AnswerTable(
        names, answered, losses, "minus the log probability of the true class", told, True
    )


def _anomaly_ranks(
    truth: np.ndarray, names: list[str], normal: str, answered: list[np.ndarray]
) -> _AnswerTable:
    """Scores as ranks, because they have no common unit. By default the first class is normal."""
    usual = names.index(normal) if normal in names else 0
    ranks = [(average_ranks(one) - 0.5) / len(one) for one in answered]
    losses = [np.where(truth == usual, rank, 1 - rank) for rank in ranks]
    told = [names[label] for label in truth]
    loss = f"how low an anomalous scene ranks, or how high one of class {names[usual]}"
    columns = ["share of scenes that are less anomalous"]
    return _AnswerTable(columns, [rank[:, None] for rank in ranks], losses, loss, told, True)


def _parameters(
    columns: list[str], targets: Mapping[str, np.ndarray], answered: list[np.ndarray]
) -> _AnswerTable:
    """Real targets; the loss is the mean error over those that are known."""
    wanted = np.stack([targets[name] for name in columns], axis=1).astype(float)
    scale = np.maximum(np.nanstd(wanted, axis=0), 1e-12)
    errors = [np.abs(one - wanted) / scale for one in answered]
    known = np.isfinite(wanted)
    losses = [np.where(known, one, 0.0).sum(1) / known.sum(1).clip(1) for one in errors]
    told = [
        ", ".join(f"{name} {value:.3g}" for name, value in zip(columns, line, strict=True))
        for line in wanted
    ]
    loss = "the error in standard deviations of the truth"
    return _AnswerTable(columns, answered, losses, loss, told, False)


def _targets(first: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """Names of the real targets that a record's answers are about.

    Those that its task names, or the one of the known ones that its primary metric is of.

    Raises:
        UsageError: Where there is none.
    """
    options = str(first["task"]).partition(":")[2].split(",")
    asked = [text.removeprefix("targets=") for text in options if text.startswith("targets=")]
    return asked[0].split("+") if asked else [real_target(known, str(first["metric"]))]


def _sky_picture(top: float) -> Callable[[np.ndarray], str]:
    """Draws skies [σ] as PNG in a data URL, asinh-stretched up to one brightness for all."""
    from PIL import Image

    palette = _palette()
    limit = np.arcsinh(top / 3)

    def draw(sky: np.ndarray) -> str:
        level = (np.arcsinh(np.nan_to_num(sky) / 3) + 0.5) / (limit + 0.5)
        codes = np.clip(level * (_LEVELS - 1), 0, _LEVELS - 1).astype(np.uint8)[::-1]
        picture = Image.fromarray(np.ascontiguousarray(codes))
        picture.putpalette(palette)
        file = io.BytesIO()
        picture.save(file, "PNG", optimize=True, bits=6)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

    return draw


def _palette() -> bytes:
    import matplotlib as mpl

    colours = mpl.colormaps["magma"](np.linspace(0, 1, _LEVELS))[:, :3]
    return bytes((255 * colours).round().astype(np.uint8).tobytes())
