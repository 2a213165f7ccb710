"""Images of a shard, batch by batch: whole blocks where a format gives them, else one by one."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.data.container import attribute
from lensbench.data.layouts import open_source
from lensbench.data.picture import Item, Selection, Source
from lensbench.data.readers.beside import with_channels
from lensbench.data.readers.columns import (
    SHAPES,
    beside_columns,
    image_columns,
    plain_columns,
    unused_lists,
)
from lensbench.data.readers.container import is_container
from lensbench.data.readers.guard import reading
from lensbench.data.readers.parquet import check_parquet
from lensbench.data.texts import text_of
from lensbench.errors import DataError
from lensbench.inference.framing import Framing, flaws
from lensbench.training.noise import in_units_of_noise

_NAMES = ("scene", "id", "name", "file")
_AHEAD = 4


@dataclass(frozen=True)
class Block:
    """Images of one size that were read together.

    Attributes:
        ids: One name an image.
        images: (B, C, H, W) in units of the noise, sides multiples of eight; zero where flawed.
        errors: Why an image cannot be used; empty where it can.
        pixel_scale: Side of a pixel, where the files say it [arcsec].
        psf_fwhm: Width of the PSF, likewise [arcsec].
        left_out: What of the shard and of these images is not shown, with the reason.
    """

    ids: list[str]
    images: np.ndarray
    errors: list[str]
    pixel_scale: float | None = None
    psf_fwhm: float | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Raw:
    """An image as it was read."""

    ids: list[str]
    pixels: np.ndarray
    unit: str
    noise: np.ndarray | None = None
    unusable: np.ndarray | None = None
    pixel_scale: float | None = None
    psf_fwhm: float | None = None
    left_out: tuple[str, ...] = ()


def blocks_of(
    shard: Path,
    condition: str,
    size: int,
    selection: Selection | None = None,
    framing: Framing | None = None,
) -> Iterator[Block]:
    """Images of a shard in their order, at most so many at a time.

    Where a shard holds images under several conditions, those of `condition` are taken, or the
    bands of `framing`.

    Raises:
        DataError: Where it cannot be read, or lacks the condition.
    """
    framing = framing or Framing()
    named = framing.selection(selection or Selection())
    for raw in _raw_blocks(shard, condition, size, named, framing.bands):
        pixels, bad = raw.pixels, raw.unusable
        if framing.masks_nan:
            bad = ~np.isfinite(pixels) | (False if bad is None else bad)
        if bad is not None and bad.any():
            known = np.where(bad, 0, pixels)
            errors = flaws(known)
        else:
            bad, errors = None, flaws(pixels)
        if any(errors):
            pixels = pixels.copy()
            pixels[[bool(error) for error in errors]] = 0
        images = framing.framed(in_units_of_noise(pixels, raw.unit, raw.noise, bad))
        if any(errors):
            images = np.nan_to_num(images, posinf=0, neginf=0)
        whole = np.require(images, requirements=("C", "W"))
        said = (*raw.left_out, *framing.left_out(pixels.shape, whole.shape))
        yield Block(raw.ids, whole, errors, raw.pixel_scale, raw.psf_fwhm, said)


def ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks, read by a thread while the ones before are worked on."""
    ready: queue.Queue[Any] = queue.Queue(_AHEAD)
    gone = threading.Event()

    def put(what: Any) -> None:
        while not gone.is_set():
            try:
                ready.put(what, timeout=0.1)
                return
            except queue.Full:
                continue

    def read() -> None:
        try:
            for block in blocks:
                put(block)
                if gone.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while (block := ready.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        gone.set()
        thread.join()


def _raw_blocks(
    shard: Path, condition: str, size: int, selection: Selection, bands: tuple[str, ...]
) -> Iterator[_Raw]:
    if shard.is_file() and not bands:
        with reading(shard, "a file"), shard.open("rb") as file:
            head = file.read(8)
        if head.startswith(b"PAR1"):
            return _parquet(shard, condition, size, selection)
        if head.startswith(b"\x89HDF\r\n\x1a\n"):
            with reading(shard, "HDF5"):
                ours = is_container(shard)
            if ours:
                return _container(shard, condition, size)
    return _one_by_one(shard, condition, size, selection, bands)


def _container(path: Path, condition: str, size: int) -> Iterator[_Raw]:
    with reading(path, "images file of lensbench"), h5py.File(path, "r") as file:
        if not bool(attribute(file, "complete")):
            raise DataError(f"{str(path)!r} was not written to its end", "make it again")
        name = _chosen(path, list(file["images"]), condition)
        group, ids = file[f"images/{name}"], file["scenes/id"][()]
        unit = str(attribute(group, "unit") or "")
        pixels, scenes = group["pixels"], group["scene"][()]
        scale, width = attribute(group, "pixel_scale"), attribute(group, "psf_fwhm")
        if any(kind in group for kind in ("pixel_scale", "mask", "noise")):
            yield from _one_by_one(path, condition, size, Selection())
            return
        for start in range(0, len(pixels), size):
            part = slice(start, start + size)
            names = [text_of(ids[row]) for row in scenes[part]]
            yield _Raw(
                names,
                np.asarray(pixels[part]),
                unit,
                pixel_scale=float(scale) if scale else None,
                psf_fwhm=float(width) if width else None,
            )


def _parquet(path: Path, condition: str, size: int, selection: Selection) -> Iterator[_Raw]:
    """Columns of lists of numbers by whole batches; encoded images one by one."""
    import pyarrow.parquet as pq

    with reading(path, "Parquet"), pq.ParquetFile(path) as file:
        check_parquet(path, file.metadata)
        metadata = {k.decode(): v.decode() for k, v in (file.schema_arrow.metadata or {}).items()}
        types = {field.name: str(field.type) for field in file.schema_arrow}
        columns = image_columns(path, types, selection)
        held = [column.partition(":")[2] for column in columns]
        bands = len(columns) > 1 and not any(held)
        column = columns[0 if bands else held.index(_chosen(path, held, condition))]
        flat = "list" in types[column] and types[column].count("list") == 1
        plain = plain_columns(types, selection, {})
        alone = not bands and not beside_columns(types, plain, columns)[column]
        if (
            flat
            and alone
            and types[column].partition("<")[2].partition(": ")[2].startswith(("fl", "d", "in"))
        ):
            shapes = json.loads(metadata.get(SHAPES, "{}"))
            facts = json.loads(metadata.get("lensbench", "{}"))
            known = json.loads(facts.get(f"condition:{column.partition(':')[2]}", "{}"))
            name = next((n for n in _NAMES if n in types), "")
            wanted = [column, *([name] if name else [])]
            said = unused_lists(types, {*wanted, *plain})
            done = 0
            for batch in file.iter_batches(size, columns=wanted):
                pixels = _shaped(path, batch.column(column), shapes.get(column))
                ids = (
                    [str(v) for v in batch.column(name).to_pylist()]
                    if name
                    else [f"{path.name}#{done + i}" for i in range(len(batch))]
                )
                done += len(batch)
                yield _Raw(ids, pixels, str(known.get("unit", "")), left_out=said)
            return
    yield from _one_by_one(path, condition, size, selection)


def _shaped(path: Path, column: Any, shape: list[int] | None) -> np.ndarray:
    """Images (B, C, H, W) of a column of flat lists.

    Raises:
        DataError: Where lists are of several lengths, missing, or no square without a shape.
    """
    numbers = column.flatten().to_numpy(zero_copy_only=False)
    if column.null_count or len(numbers) % max(1, len(column)):
        raise DataError(
            f"{str(path)!r} has rows without an image, or of several sizes", "correct it"
        )
    length = len(numbers) // max(1, len(column))
    if shape is None:
        side = round(length**0.5)
        shape = [1, side, side]
    if int(np.prod(shape)) != length:
        raise DataError(f"{str(path)!r}: {length} numbers an image, expected {shape}", "--key")
    return np.asarray(numbers, dtype=np.float32).reshape(len(column), *shape)


def _one_by_one(
    path: Path, condition: str, size: int, selection: Selection, bands: tuple[str, ...] = ()
) -> Iterator[_Raw]:
    """Images of any layout; a block ends where their size, unit or knowledge of noise changes."""
    source = open_source(path, selection)
    chosen = _of_bands(path, source, condition, bands)
    _refuse_pickles(path, [source.items[i] for of_scene in chosen for i in of_scene])
    kept: list[tuple[str, Any]] = []
    taken = {source.items[i].condition for of_scene in chosen for i in of_scene}
    others = sorted({item.condition for item in source.items} - taken)
    said = source.left_out
    if others and condition not in taken:  # whoever named a condition wanted no other
        said += (f"{', '.join(others)}: not read beside {', '.join(sorted(taken))}",)

    def kind(picture: Any) -> tuple[Any, ...]:
        scale, width = picture.pixel_scale, picture.psf_fwhm
        return picture.pixels.shape, picture.unit, picture.noise is None, scale, width

    for indices in chosen:
        item = source.items[indices[0]]
        picture = with_channels(item.scene or item.name, [source.read(i) for i in indices])
        if kept and (len(kept) == size or kind(picture) != kind(kept[0][1])):
            yield _joined(kept, said)
            kept = []
        kept.append((item.scene or item.name, picture))
    if kept:
        yield _joined(kept, said)


def _of_bands(
    path: Path, source: Source, condition: str, bands: tuple[str, ...]
) -> list[tuple[int, ...]]:
    """Indices of the images of each scene: of its bands in their order, or of the one condition.

    Raises:
        DataError: Where bands are not there, or there are several and none is named.
    """
    held = sorted({item.condition for item in source.items})
    if len(held) == 1 or condition in held:
        name = condition if condition in held else held[0]
        return [(i,) for i, item in enumerate(source.items) if item.condition == name]
    listed = ", ".join(held)
    if not bands or not set(bands) <= set(held):
        wanted = "+".join(bands) or condition
        raise DataError(
            f"{str(path)!r} holds images under {listed}, not {wanted!r}",
            "name one with --bands, or several joined by + as channels",
        )
    scenes: dict[str, dict[str, int]] = {}
    for index, item in enumerate(source.items):
        scenes.setdefault(item.scene or item.name, {})[item.condition] = index
    lacking = [scene for scene, of in scenes.items() if not set(bands) <= set(of)]
    if lacking:
        raise DataError(
            f"{str(path)!r} has {len(lacking)} scenes without all of {', '.join(bands)}: "
            f"{', '.join(lacking[:3])}",
            "leave them out, or name other bands",
        )
    return [tuple(of[band] for band in bands) for of in scenes.values()]


def _joined(kept: list[tuple[str, Any]], left_out: tuple[str, ...]) -> _Raw:
    first = kept[0][1]
    pictures = [picture for _, picture in kept]
    noise = np.stack([p.noise for p in pictures]) if first.noise is not None else None
    ruled_out = any(p.mask is not None or p.noise is not None for p in pictures)
    return _Raw(
        [name for name, _ in kept],
        np.stack([p.pixels for p in pictures]),
        first.unit,
        noise,
        np.stack([p.unusable() for p in pictures]) if ruled_out else None,
        first.pixel_scale,
        first.psf_fwhm,
        left_out,
    )


def _refuse_pickles(path: Path, items: list[Item]) -> None:
    """Refuses object pickles.

    Raises:
        DataError: Where there is one.
    """
    if any(item.pickled for item in items):
        raise DataError(
            f"{str(path)!r} holds object pickles", f"lensbench data convert {path} images.h5"
        )


def _chosen(path: Path, held: list[str], condition: str) -> str:
    """The condition to take of those that a shard holds: the one named, or the only one.

    Raises:
        DataError: Where it holds several and not the one named.
    """
    if condition in held:
        return condition
    if len(held) == 1:
        return held[0]
    raise DataError(
        f"{str(path)!r} holds images under {', '.join(held)}, not {condition!r}",
        "name one of these with --condition",
    )
