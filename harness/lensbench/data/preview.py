"""Contact sheets: a row a class or condition, each image under an asinh stretch of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.colour import colours
from lensbench.data.picture import Item, Picture, Source
from lensbench.data.readers.guard import RefusedFileError
from lensbench.errors import DataError

_CELL = 1.35
_BACKGROUND, _INK, _DIM = "#101014", "#e8e6e3", "#8f8d8a"
_MOST_ROWS = 24


@dataclass(frozen=True)
class Row:
    """A row of a sheet.

    Attributes:
        indices: Images of the source; none where all of them are pickled, and `note` says so.
        by: What the images of the row differ in: `name` or `condition`.
    """

    title: str
    source: Source
    indices: tuple[int, ...]
    note: str = ""
    by: str = "name"


def rows_of(sources: Sequence[Source], columns: int) -> list[Row]:
    """Rows of a sheet: a condition where there are several, else a class, else a split.

    Images of a row are taken evenly from all there are; rows of conditions show the same scenes.
    """
    rows = []
    for source in sources:
        groups: dict[str, list[int]] = {}
        items = source.items
        several = len({item.condition for item in items}) > 1
        if several and len({item.scene for item in items}) <= 3:
            rows += _scene_rows(source, columns, len(sources) > 1)
            continue
        for index, item in enumerate(items):
            words = [item.split, item.condition if several else item.label]
            groups.setdefault(" · ".join(word for word in words if word), []).append(index)
        folder = Path(source.path).name
        for name, indices in groups.items():
            title = f"{folder}\n{name}".strip() if len(sources) > 1 and name != folder else name
            readable = [i for i in indices if not items[i].pickled]
            note = f"{len(indices)} object pickles:\nlensbench data convert reads them"
            picked = _evenly(
                readable, columns, [items[i].label for i in readable] if several else []
            )
            rows.append(Row(title, source, picked, "" if readable else note))
    return rows


def _scene_rows(source: Source, columns: int, several: bool) -> list[Row]:
    """The conditions of each of a few scenes side by side, in as many rows as they need."""
    scenes: dict[str, list[int]] = {}
    for index, item in enumerate(source.items):
        scenes.setdefault(item.scene, []).append(index)
    folder = Path(source.path).name

    def title_of(scene: str) -> str:
        return "\n".join(short_name(word, 13) for word in ([folder, scene] if several else [scene]))

    return [
        Row(
            title_of(name) if start == 0 else "",
            source,
            tuple(indices[start : start + columns]),
            by="condition",
        )
        for name, indices in scenes.items()
        for start in range(0, len(indices), columns)
    ]


def _evenly(indices: Sequence[int], count: int, labels: Sequence[str]) -> tuple[int, ...]:
    """Some of these, evenly spaced; classes in turn where there are any."""
    if len(indices) <= count:
        return tuple(indices)
    if len(set(labels)) > 1:
        queues = [
            [i for i, label in zip(indices, labels, strict=True) if label == one]
            for one in dict.fromkeys(labels)
        ]
        turns = [queue[turn] for turn in range(count) for queue in queues if turn < len(queue)]
        return tuple(turns[:count])
    places = np.linspace(0, len(indices) - 1, count).round().astype(int)
    return tuple(indices[place] for place in places)


def draw_sheet(
    sources: Sequence[Source],
    path: Path,
    columns: int,
    report: Callable[[int, int, str], None],
) -> None:
    """Writes a contact sheet of sources as a PNG.

    Raises:
        DataError: Where no image can be read.
    """
    rows = rows_of(sources, columns)[:_MOST_ROWS]
    wide = max(4, *(len(row.indices) for row in rows))
    tall = [0.35 if row.note else 1.0 for row in rows]
    plt = _pyplot()
    figure, axes = plt.subplots(
        len(rows),
        wide,
        squeeze=False,
        facecolor=_BACKGROUND,
        height_ratios=tall,
        figsize=(1.5 + (_CELL + 0.06) * wide, 0.5 + _CELL * sum(tall) + 0.27 * len(rows)),
    )
    drawn = 0
    for done, (row, line) in enumerate(zip(rows, axes, strict=True)):
        for axis in line:
            axis.set_axis_off()
        line[0].text(
            -0.08,
            0.5,
            row.title,
            transform=line[0].transAxes,
            ha="right",
            va="center",
            color=_INK,
            fontsize=9,
            linespacing=1.4,
        )
        if row.note:
            line[0].text(
                0.0, 0.5, row.note, transform=line[0].transAxes, va="center", color=_DIM, fontsize=8
            )
        for axis, index in zip(line, row.indices, strict=False):
            drawn += _draw(axis, row.source, index, row.by)
        report(done + 1, len(rows), row.title.replace("\n", " "))
    if drawn == 0 and not any(row.note for row in rows):
        plt.close(figure)
        raise DataError(
            f"no image of {sources[0].path!r} can be read", "lensbench data inspect says why"
        )
    height = figure.get_figheight()
    figure.subplots_adjust(
        left=1.45 / figure.get_figwidth(),
        right=0.995,
        top=1 - 0.42 / height,
        bottom=0.12 / height,
        wspace=0.05,
        hspace=0.25,
    )
    figure.text(0.01, 1 - 0.22 / height, _title(sources), color=_INK, fontsize=9, va="center")
    figure.savefig(path, dpi=120, facecolor=_BACKGROUND, format="png")
    plt.close(figure)


def draw_images(
    images: Sequence[np.ndarray], captions: Sequence[str], path: Path, columns: int = 6
) -> None:
    """Writes images side by side, row after row, as a PNG.

    Args:
        images: (C, H, W) each; in colours where there are three bands, else the first band.
        captions: One an image.
        path: Of the PNG.
        columns: Images a row.
    """
    rows = -(-len(images) // columns)
    plt = _pyplot()
    figure, axes = plt.subplots(
        rows,
        columns,
        squeeze=False,
        facecolor=_BACKGROUND,
        layout="constrained",
        figsize=(_CELL * columns, (_CELL + 0.22) * rows),
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, pixels, caption in zip(axes.flat, images, captions, strict=False):
        _show(axis, pixels, caption)
    figure.savefig(path, dpi=120, facecolor=_BACKGROUND, format="png")
    plt.close(figure)


def draw_fit(
    image: np.ndarray, model: np.ndarray, captions: tuple[str, str], title: str, path: Path
) -> None:
    """Writes an image, its model in the colours of the image, and what is left, as a PNG.

    Args:
        image: (H, W) in units of its noise.
        model: (H, W) likewise.
        captions: Above image and model.
        title: Above all.
        path: Of the PNG.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(
        1, 3, facecolor=_BACKGROUND, layout="constrained", figsize=(6 * _CELL, 2 * _CELL + 0.6)
    )
    figure.suptitle(title, color=_INK, fontsize=7)
    for axis, pixels, caption in zip(axes, (image, model), captions, strict=False):
        _show(axis, pixels[None], caption, like=image)
        axis.set_title(caption, color=_INK, fontsize=7)
    axes[2].imshow(image - model, cmap="coolwarm", vmin=-5, vmax=5, origin="lower")
    axes[2].set_title("image − model, ±5σ", color=_INK, fontsize=7)
    for axis in axes:
        axis.set_axis_off()
    figure.savefig(path, dpi=120, facecolor=_BACKGROUND, format="png")
    plt.close(figure)


def stretched(pixels: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """An image (C, H, W) on 0 to 1 by asinh, as `like` is where one is given; NaN stay NaN.

    Black is a little below the sky (the median of the darker three quarters), white the 99.8th
    percentile, and the bend lies at three times the scatter of the sky, or a hundredth of the range
    where there is no noise. After Lupton, Gunn & Szalay 1999 (AJ 118, 1406).
    """
    known = pixels if like is None else like
    finite = known[np.isfinite(known)]
    if len(finite) == 0:
        return np.zeros_like(pixels)
    dark = finite[finite <= np.percentile(finite, 75)]
    sky = float(np.median(dark))
    sigma = 1.5 * float(np.std(dark))
    top = float(np.percentile(finite, 99.8)) - sky
    if top <= 0:
        return np.where(np.isfinite(pixels), 0.5, np.nan)
    bend = max(3 * sigma, top / 100)
    low = np.arcsinh(-min(2 * sigma, 0.1 * top) / bend)
    high = np.arcsinh(top / bend)
    return np.asarray(np.clip((np.arcsinh((pixels - sky) / bend) - low) / (high - low), 0, 1))


def _draw(axis: Any, source: Source, index: int, by: str) -> int:
    """One image with its caption; 0 where it cannot be read."""
    item = source.items[index]
    try:
        picture = source.read(index)
    except RefusedFileError:
        raise
    except DataError:
        axis.text(
            0.5,
            0.5,
            "cannot be read",
            transform=axis.transAxes,
            color="#d05a4a",
            ha="center",
            va="center",
            fontsize=7,
        )
        return 0
    caption = item.condition if by == "condition" else _caption(item)
    _show(axis, picture.pixels, caption, picture.bands)
    _scale_bar(axis, picture)
    return 1


def _show(
    axis: Any,
    pixels: np.ndarray,
    caption: str,
    bands: Sequence[str] = (),
    like: np.ndarray | None = None,
) -> None:
    if len(pixels) == 3:
        shown: dict[str, Any] = {"X": colours(pixels, bands)}
    else:
        image = stretched(pixels, like)
        colour_map = _pyplot().get_cmap("magma").with_extremes(bad="#34566b")
        shown = {"X": np.ma.masked_invalid(image[0]), "cmap": colour_map, "vmin": 0, "vmax": 1}
    axis.imshow(**shown, origin="lower", interpolation="nearest")
    axis.set_title(caption, color=_DIM, fontsize=5.5, pad=2)


def _caption(item: Item) -> str:
    """The end of a name, which tells images apart, with the class where rows are conditions."""
    name = item.name.removesuffix(f"#{item.condition}") if item.condition else item.name
    stem = short_name(name.rpartition("/")[2])
    return f"{stem} {item.label}".strip() if item.condition else stem


def short_name(name: str, most: int = 22) -> str:
    """The last part of a name without its suffix, and no more of it than fits."""
    stem = name.rpartition("#")[2] if not name.rpartition("#")[2].isdecimal() else name
    for suffix in (".npy", ".fits", ".fits.gz"):
        stem = stem.removesuffix(suffix)
    return stem if len(stem) <= most else "…" + stem[1 - most :]


def _scale_bar(axis: Any, picture: Picture) -> None:
    """One arcsecond, where the pixel scale is known and it fits."""
    if not picture.pixel_scale:
        return
    length = 1 / picture.pixel_scale
    height, width = picture.pixels.shape[-2:]
    if 2 < length < 0.8 * width:
        x, y = 0.06 * width, 0.07 * height
        axis.plot([x, x + length], [y, y], color="white", lw=1.4, solid_capstyle="butt")
        axis.text(x + length / 2, y + 0.03 * height, "1″", color="white", fontsize=6, ha="center")


def _title(sources: Sequence[Source]) -> str:
    images = sum(len(source.items) for source in sources)
    if len(sources) == 1:
        return f"{Path(sources[0].path).name}: {sources[0].title}"
    return f"{len(sources)} sets of images, {images} images"


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot
