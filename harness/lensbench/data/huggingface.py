"""Folders that Hugging Face `datasets` loads and streams, and that its hub takes as they are.

A folder has `data/SPLIT-00000-of-00001.parquet` and a card, `README.md`, whose head says what the
hub asks for: licence, tasks, size, features and splits. Under `lensbench` it also keeps what is
known of the images of each split, so that they can be read and made again from the folder alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lensbench.data.making import Recipe
from lensbench.data.readers.cards import Facts
from lensbench.data.tables import STEP, facts_of, features_of, row_groups, shapes_of

_SHARD = 500_000_000
"""Bytes of a file."""


def write_huggingface(
    path: Path, recipe: Recipe, files: Sequence[Path], report: Callable[[int, int, str], None]
) -> None:
    """Writes a folder with one split, for `datasets.load_dataset`."""
    import datasets
    from datasets.arrow_writer import ArrowWriter

    shapes = shapes_of(recipe, files[0])
    features = features_of(recipe, files, shapes)
    (path / "data").mkdir(parents=True)
    arrow = path / "rows.arrow"
    with ArrowWriter(path=str(arrow), features=features, writer_batch_size=STEP) as writer:
        for rows, done in row_groups(recipe, files):
            batch: dict[str, Any] = {}
            for name, values in rows.items():
                condition = name.removeprefix("image:")
                shaped = values.reshape(-1, *shapes[condition]) if condition in shapes else values
                batch[name] = list(shaped)
            writer.write_batch(batch)
            report(done, recipe.count, "")
        _, size = writer.finalize()
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        table = datasets.Dataset.from_file(str(arrow))
        count = max(1, -(-size // _SHARD))
        for number in range(count):
            name = f"{recipe.split}-{number:05d}-of-{count:05d}.parquet"
            shard = table.shard(count, number, contiguous=True)
            shard.to_parquet(path / "data" / name, batch_size=STEP)
    finally:
        if shown:
            datasets.enable_progress_bars()
    arrow.unlink()
    write_card(path, {recipe.split: facts_of(recipe)})


def write_card(folder: Path, facts: Facts) -> None:
    """Writes `README.md` of a folder whose Parquet files are there.

    Args:
        folder: With `data/SPLIT-….parquet` of each split.
        facts: What is known of the images of each split.
    """
    import datasets
    import pyarrow.parquet as pq
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    shards = {split: sorted((folder / "data").glob(f"{split}-*.parquet")) for split in facts}
    schema = pq.read_schema(next(iter(shards.values()))[0])
    features = datasets.Features.from_arrow_schema(schema)
    splits = datasets.SplitDict()
    for split, files in shards.items():
        counted = [pq.read_metadata(file) for file in files]
        rows = sum(one.num_rows for one in counted)
        size = sum(
            one.row_group(i).total_byte_size for one in counted for i in range(one.num_row_groups)
        )
        splits.add(datasets.SplitInfo(split, num_bytes=size, num_examples=rows))
    first = next(iter(facts.values()))
    count = sum(split.num_examples for split in splits.values())
    data = DatasetCardData(
        license=first.get("licence", "").lower() or "unknown",
        pretty_name=first["dataset"],
        task_categories=_tasks(features),
        size_categories=[_size(count)],
        tags=["lensbench", "astronomy", "gravitational-lensing"],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*"} for split in facts],
            }
        ],
        lensbench={split: dict(known) for split, known in facts.items()},
    )
    stored = sum(file.stat().st_size for files in shards.values() for file in files)
    info = datasets.DatasetInfo(
        features=features,
        splits=splits,
        download_size=stored,
        dataset_size=sum(split.num_bytes for split in splits.values()),
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(data)
    text = f"---\n{data.to_yaml()}\n---\n\n{_body(facts, features, splits)}"
    (folder / "README.md").write_text(text, encoding="utf-8")


def _tasks(features: Mapping[str, Any]) -> list[str]:
    """What the hub calls what can be asked of these columns."""
    kinds = {type(feature).__name__ for feature in features.values()}
    classes = ["image-classification"] if "ClassLabel" in kinds else []
    return [*classes, "image-feature-extraction"]


def _size(count: int) -> str:
    """The hub's word for a number of rows."""
    edges = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}
    return next((word for edge, word in edges.items() if count < edge), "1M<n<10M")


def _body(facts: Facts, features: Mapping[str, Any], splits: Mapping[str, Any]) -> str:
    """The card below its head, for a person."""
    first = next(iter(facts.values()))
    conditions = {
        name.partition(":")[2]: json.loads(value)
        for name, value in first.items()
        if name.startswith("condition:")
    }
    seen = [
        f"| `image:{name}` | {one['pixel_scale']:g} | {one['psf_fwhm']:g} | {one['zeropoint']:g} | "
        f"{one['exposure_time'] * one['num_exposures']:g} | {one['noise_level']:.3g} |"
        for name, one in conditions.items()
    ]
    columns = [
        f"| `{name}` | {_kind(feature)} | {first.get(f'unit:{name}', '')} |"
        for name, feature in features.items()
        if not name.startswith("image:")
    ]
    split_rows = [
        f"| {n} | {splits[n].num_examples} | {known['seed']} |" for n, known in facts.items()
    ]
    return "\n".join(
        [
            f"# `{first['dataset']}`",
            "",
            "Strong gravitational lenses, made by lensbench. Every scene is one row; a column of "
            "images for each condition shows the same scene.",
            "",
            "```python",
            "from datasets import load_dataset",
            "",
            f'rows = load_dataset("PATH", split="{next(iter(facts))}", streaming=True)',
            "```",
            "",
            "## Splits",
            "",
            "| split | scenes | seed |",
            "|---|---|---|",
            *split_rows,
            "",
            "## Conditions",
            "",
            "Images (C, H, W) are in units of σ, the noise of an empty pixel.",
            "",
            "| column | pixel [arcsec] | PSF FWHM [arcsec] | zero point [AB] | exposure [s] | "
            "σ [µJy/arcsec²] |",
            "|---|---|---|---|---|---|",
            *seen,
            "",
            *(
                f"- `image:{name}`: {one['summary']} {one['source']}."
                for name, one in conditions.items()
            ),
            "",
            "## Other columns",
            "",
            "| column | type | unit |",
            "|---|---|---|",
            *columns,
            "",
            "## How it was made",
            "",
            "```",
            *(f"{known['command']} --format huggingface --out FOLDER" for known in facts.values()),
            "```",
            "",
            f"Package {first['package']} {first['package_version']}, dataset version "
            f"{first['dataset_version']}."
            if first.get("package")
            else "",
            "",
            "## Licence and citation",
            "",
            f"Licence: {first.get('licence') or 'not stated'}.",
            "",
            f"Please cite: {first['citation']}."
            if first.get("citation")
            else "The package names no paper to cite.",
            "",
        ]
    )


def _kind(feature: Any) -> str:
    """Type of a column in words."""
    names = getattr(feature, "names", None)
    if names:
        return "class: " + ", ".join(names)
    inner = getattr(feature, "feature", None)
    return str(getattr(inner or feature, "dtype", feature)) + (" list" if inner else "")
