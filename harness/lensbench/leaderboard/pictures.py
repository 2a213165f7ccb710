"""Pictures of a run: images side by side for skies, confusion and ROC for classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Answers:
    """What an entrant answered for the same scenes: name and predictions (N, ...)."""

    entrant: str
    predictions: Mapping[str, np.ndarray]


def sky_picture(
    path: Path,
    title: str,
    ids: Sequence[str],
    images: np.ndarray,
    truth: np.ndarray,
    answers: Sequence[Answers],
    rows: Sequence[int],
) -> None:
    """A row a scene: input, each entrant's answer, truth, and each entrant's residual.

    Args:
        path: PNG to write.
        title: Above all.
        ids: Scene ids.
        images: Input (N, C, H, W) in σ.
        truth: (N, C, sH, sW) in σ of the input.
        answers: With predictions `sky`.
        rows: Indices of the scenes to show.
    """
    plt = _pyplot()
    names = [answer.entrant for answer in answers]
    columns = ["input", *names, "truth", *[f"{name}\nminus truth" for name in names]]
    figure, axes = plt.subplots(
        len(rows), len(columns), squeeze=False, layout="constrained",
        figsize=(1.9 * len(columns), 2.0 * len(rows) + 0.9),
    )  # fmt: skip
    for line, index in zip(axes, rows, strict=True):
        fine, coarse = known_window(truth[index, 0], images.shape[-1])
        wanted = truth[index, 0][fine]
        skies = [answer.predictions["sky"][index, 0][fine] for answer in answers]
        top = np.arcsinh(max(float(np.nanmax(wanted)), 1.0) / 3)
        for axis, image in zip(line, [images[index, 0][coarse], *skies, wanted], strict=False):
            axis.imshow(np.arcsinh(image / 3), vmin=-0.5, vmax=top, cmap="magma", origin="lower")
        limit = max(float(np.nanpercentile(np.abs(skies[-1] - wanted), 99.5)), 1.0)
        for axis, sky in zip(line[len(names) + 2 :], skies, strict=True):
            axis.imshow(sky - wanted, vmin=-limit, vmax=limit, cmap="RdBu_r", origin="lower")
        line[0].set_ylabel(str(ids[index])[:26], fontsize=7)
        line[-1].set_xlabel(f"±{limit:.0f} σ", fontsize=7)
    for axis, name in zip(axes[0], columns, strict=True):
        axis.set_title(name.replace(" + ", "\n"), fontsize=7)
    _finish(plt, figure, axes, title, path)


def class_picture(
    path: Path,
    title: str,
    classes: Sequence[str],
    truth: np.ndarray,
    answers: Sequence[Answers],
) -> None:
    """A column an entrant: its confusion matrix above its one-against-rest ROC curves."""
    from sklearn.metrics import confusion_matrix, roc_curve

    plt = _pyplot()
    figure, axes = plt.subplots(
        2, len(answers), squeeze=False, layout="constrained", figsize=(3.4 * len(answers), 6.8)
    )
    for (top, bottom), answer in zip(axes.T, answers, strict=True):
        probability = answer.predictions["probability"]
        counts = confusion_matrix(truth, probability.argmax(1), labels=range(len(classes)))
        top.imshow(counts, cmap="Blues", vmin=0, vmax=counts.sum(1).max())
        for (row, column), count in np.ndenumerate(counts):
            dark = count > counts.sum(1).max() / 2
            top.text(column, row, count, ha="center", va="center", color="w" if dark else "k")
        top.set_xticks(range(len(classes)), classes, fontsize=8)
        top.set_yticks(range(len(classes)), classes, fontsize=8)
        top.set_xlabel("answered")
        top.set_ylabel("true")
        top.set_title(answer.entrant.replace(" + ", "\n"), fontsize=9)
        for label, name in enumerate(classes):
            false, true, _ = roc_curve(truth == label, probability[:, label])
            bottom.plot(false, true, label=name)
        bottom.plot([0, 1], [0, 1], ":", color="gray", label="chance")
        bottom.set_xlabel("false positive rate")
        bottom.set_ylabel("true positive rate")
        bottom.set_aspect("equal")
        bottom.legend(fontsize=8)
    figure.suptitle(title, fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def spread(values: np.ndarray, count: int) -> list[int]:
    """Indices of scenes from the worst to the best value, evenly through the ranking."""
    order = np.argsort(values)
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [int(order[place]) for place in places]


_Window = tuple[slice, slice]


def known_window(truth: np.ndarray, size: int) -> tuple[_Window, _Window]:
    """The part of a truth (sH, sW) that is known, there and in an image of `size` pixels."""
    scale = truth.shape[-1] // size
    known = np.isfinite(truth)
    fine, coarse = [], []
    for axis in (1, 0):
        places = np.flatnonzero(known.any(axis))
        first, last = int(places[0]) // scale, -(-(int(places[-1]) + 1) // scale)
        coarse.append(slice(first, last))
        fine.append(slice(first * scale, last * scale))
    return (fine[0], fine[1]), (coarse[0], coarse[1])


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _finish(plt: Any, figure: Any, axes: Any, title: str, path: Path) -> None:
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.suptitle(title, fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)
