"""Pictures of a run: images side by side for skies, confusion and ROC for classes and scores,
measured against true values for numbers."""

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
    scenes: Mapping[str, np.ndarray],
    answers: Sequence[Answers],
    rows: Sequence[int],
) -> None:
    """A row a scene: input, each entrant's answer, truth, and each entrant's residual.

    Args:
        path: PNG to write.
        title: Above all.
        scenes: Ids `scene` (N,), input `images` (N, C, H, W) in σ, and truth `sky`
            (N, C, sH, sW) in σ of the input.
        answers: With predictions `sky`.
        rows: Indices of the scenes to show.
    """
    plt = _pyplot()
    ids, images, truth = (scenes[name] for name in ("scene", "images", "sky"))
    names = [answer.entrant for answer in answers]
    columns = ["input", *names, "truth", *[f"{name}\nminus truth" for name in names]]
    figure, axes = plt.subplots(
        len(rows),
        len(columns),
        squeeze=False,
        layout="constrained",
        figsize=(1.9 * len(columns), 2.0 * len(rows) + 0.9),
    )
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
        line[0].set_ylabel(ids[index].decode()[:26], fontsize=7)
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

    plt, figure, axes = _two_rows(len(answers))
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
        for label, name in list(enumerate(classes))[len(classes) == 2 :]:
            false, true, _ = roc_curve(truth == label, probability[:, label])
            bottom.plot(false, true, label=name)
        _finish_roc(bottom)
    _save(plt, figure, title, path)


def score_picture(
    path: Path,
    title: str,
    classes: Sequence[str],
    truth: np.ndarray,
    answers: Sequence[Answers],
) -> None:
    """A column an entrant: its scores by class above the ROC of each class against the first."""
    from sklearn.metrics import roc_curve

    plt, figure, axes = _two_rows(len(answers))
    for (top, bottom), answer in zip(axes.T, answers, strict=True):
        score = answer.predictions["score"]
        edges = np.histogram_bin_edges(score, 25)
        for label, name in enumerate(classes):
            top.hist(score[truth == label], edges, histtype="step", color=f"C{label}", label=name)
            both = (truth == 0) | (truth == label)
            if label and len(np.unique(truth[both])) == 2:
                false, true, _ = roc_curve(truth[both] == label, score[both])
                against = f"{name} against {classes[0]}"
                bottom.plot(false, true, color=f"C{label}", label=against)
        top.set_xlabel("score")
        top.set_ylabel("test scenes")
        top.legend(fontsize=8)
        top.set_title(answer.entrant.replace(" + ", "\n"), fontsize=9)
        _finish_roc(bottom)
    _save(plt, figure, title, path)


def value_picture(
    path: Path, title: str, name: str, truth: np.ndarray, answers: Sequence[Answers]
) -> None:
    """A column an entrant: measured against true values above what is left over.

    Args:
        path: PNG to write.
        title: Above all.
        name: Of the target, with its unit.
        truth: True values (N,); NaN where not defined.
        answers: With predictions `mean` (N, T) and perhaps `sigma`, the target first.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(
        2,
        len(answers),
        squeeze=False,
        layout="constrained",
        sharex=True,
        sharey="row",
        figsize=(3.4 * len(answers), 6.0),
    )
    known = np.isfinite(truth)
    wanted = truth[known]
    ends = [wanted.min(), wanted.max()]
    for (top, bottom), answer in zip(axes.T, answers, strict=True):
        mean = answer.predictions["mean"][known, 0]
        sigma = answer.predictions.get("sigma")
        error = sigma[known, 0] if sigma is not None else None
        style = {"fmt": ".", "elinewidth": 0.5, "alpha": 0.6}
        top.errorbar(wanted, mean, error, **style)
        top.plot(ends, ends, ":", color="gray")
        residual = mean - wanted
        bottom.errorbar(wanted, residual, error, **style)
        bottom.axhline(0, linestyle=":", color="gray")
        bottom.set_xlabel(f"true {name}")
        said = f"bias {residual.mean():+.3g}, RMSE {np.sqrt(np.mean(residual**2)):.3g}"
        if error is not None:
            said += f"\n{np.mean(np.abs(residual) <= error):.0%} within the stated error"
        bottom.set_title(said, fontsize=8)
        top.set_title(answer.entrant.replace(" + ", "\n"), fontsize=9)
    axes[0, 0].set_ylabel(f"measured {name}")
    axes[1, 0].set_ylabel("measured − true")
    _save(plt, figure, title, path)


def spread(values: np.ndarray, count: int) -> list[int]:
    """Indices of scenes from the worst to the best value, evenly through the ranking."""
    order = np.argsort(values)
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [int(order[place]) for place in places]


_Window = tuple[slice, slice]


def known_window(truth: np.ndarray, size: int) -> tuple[_Window, _Window]:
    """The part of a truth (S, T) that is known, there and in an image of `size` pixels.

    Of an image whose pixels the truth's do not divide, it is the whole.
    """
    known = np.isfinite(truth)
    whole = slice(0, size)
    if truth.shape[-1] % size:
        rows, columns = (np.flatnonzero(known.any(axis)) for axis in (1, 0))
        fine_rows, fine_columns = (slice(p[0], p[-1] + 1) for p in (rows, columns))
        return (fine_rows, fine_columns), (whole, whole)
    scale = truth.shape[-1] // size
    fine, coarse = [], []
    for axis in (1, 0):
        places = np.flatnonzero(known.any(axis))
        first, last = int(places[0]) // scale, -(-(int(places[-1]) + 1) // scale)
        coarse.append(slice(first, last))
        fine.append(slice(first * scale, last * scale))
    return (fine[0], fine[1]), (coarse[0], coarse[1])


def _two_rows(columns: int) -> tuple[Any, Any, Any]:
    """pyplot, a figure and its axes (2, columns)."""
    plt = _pyplot()
    figure, axes = plt.subplots(
        2, columns, squeeze=False, layout="constrained", figsize=(3.4 * columns, 6.8)
    )
    return plt, figure, axes


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _finish(plt: Any, figure: Any, axes: Any, title: str, path: Path) -> None:
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    _save(plt, figure, title, path)


def _finish_roc(axis: Any) -> None:
    axis.plot([0, 1], [0, 1], ":", color="gray", label="chance")
    axis.set_xlabel("false positive rate")
    axis.set_ylabel("true positive rate")
    axis.set_aspect("equal")
    axis.legend(fontsize=8)


def _save(plt: Any, figure: Any, title: str, path: Path) -> None:
    figure.suptitle(title, fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)
