"""From a store, what a board of a run is made of: shared by the verbs that publish and submit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lensbench.errors import StoreError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from lensbench.leaderboard.board.writing import Contents
    from lensbench.store import Store


def run_contents(where: str, run: str, licence: str, weights_below: float) -> Contents:
    """What a run, named by its key or by its study's file, comes to.

    Args:
        where: Folder or URL of the store.
        run: Beginning of its key, or a study file; the last run where empty.
        licence: SPDX identifier of what is published.
        weights_below: Encoders and fits whose files have fewer bytes go with it.

    Raises:
        UsageError: Where there is no such run.
        StoreError: Where what it was made from is gone.
    """
    from lensbench.cli.execution import make_resolver
    from lensbench.cli.table_limits import limit_finder
    from lensbench.leaderboard.board.limits import limits_frame
    from lensbench.leaderboard.board.writing import Contents, without_persons
    from lensbench.leaderboard.source import find_run
    from lensbench.store import open_store
    from lensbench.store.records import read_records
    from lensbench.verification.credits import credits_of
    from lensbench.verification.published import (
        environment_of,
        numerics_of,
        provenance_of,
    )

    store = open_store(where)
    key, study = (
        _study_run(store, Path(run)) if Path(run).is_file() else (find_run(store, run), None)
    )
    path = store.find("runs", key)
    if path is None:
        raise StoreError(f"run {key} is damaged", "run its command again")
    records = without_persons(read_records([path]))
    done = records.filter(records["state"] == "done")
    if done.is_empty():
        raise UsageError(f"run {key} has no cell that is done", "there is nothing to publish")
    numerics = numerics_of(records)
    resolver = make_resolver(numerics.threads, numerics.device, numerics.processes)
    provenance = provenance_of(resolver, store, records)
    credited = credits_of(resolver.catalogue, records)
    files = _files(store, "predictions", set(done["predictions"]), needed=True)
    described = store.describe("runs", key) or {}
    made = described.get("from", {}).get("inputs", {}).get("records", [])
    files |= _files(store, "scores", set(made), needed=False)
    for kind in ("weights", "fits") if weights_below else ():
        found = _files(store, kind, set(provenance[kind]), needed=False)
        files |= {name: path for name, path in found.items() if path.stat().st_size < weights_below}
    limits = limits_frame(done, limit_finder(store, resolver.catalogue, done))
    return Contents(
        records=records,
        study=study or _generated(key, records),
        provenance=provenance,
        environment=environment_of(credited),
        citations=[vars(credit) for credit in credited],
        files=files,
        licence=licence,
        limits=limits,
    )


def predictions_elsewhere(contents: Contents, most: float) -> Contents:
    """The same with digests alone of predictions whose files have so many bytes or more."""
    from lensbench.leaderboard.board.manifest import file_of
    from lensbench.leaderboard.board.packing import cell_digests

    large = {
        name: path
        for name, path in contents.files.items()
        if name.startswith("predictions/") and path.stat().st_size >= most
    }
    return replace(
        contents,
        files={name: path for name, path in contents.files.items() if name not in large},
        predictions=cell_digests(contents.records, contents.files),
        elsewhere={name: file_of(path) for name, path in large.items()},
    )


def primary_alone(contents: Contents, folder: Path) -> Contents:
    """The same with scores by scene of primary metrics alone, their files written into a folder."""
    import polars as pl

    primary = contents.records.filter(pl.col("primary"))["metric"].unique()
    files = dict(contents.files)
    for name, path in contents.files.items():
        if name.startswith("scores/"):
            files[name] = folder / path.name
            frame = pl.read_parquet(path).filter(pl.col("metric").is_in(primary.implode()))
            frame.write_parquet(files[name])
    return replace(contents, files=files)


def _study_run(store: Store, path: Path) -> tuple[str, dict[str, Any]]:
    """Key of a study's run, and the study in plain values, without comments."""
    from lensbench.cli.execution import make_resolver
    from lensbench.cli.studies import expand_study, read_study
    from lensbench.execution.sweeps import Sweep

    spec, text = read_study(path, ())
    resolver = make_resolver(spec.run.threads, spec.run.device, spec.run.processes)
    expanded = expand_study(resolver, spec)
    sweep = Sweep(resolver, store, expanded.cells, text, expanded.incompatible)
    if sweep.finished() is None:
        raise UsageError(
            f"study {spec.name!r} is not finished in this store", f"lensbench sweep {path}"
        )
    return sweep.key, spec.model_dump(mode="json", exclude_defaults=True)


def _generated(key: str, records: pl.DataFrame) -> dict[str, Any]:
    """A study that asks for the cells of a run."""
    from lensbench.leaderboard.board.joining import include_blocks

    views = records.select("test_dataset", "test_condition").unique(maintain_order=True)
    seeds = {
        axis: sorted(set(records[f"seed_{axis}"].to_list()))
        for axis in ("draw", "pretraining", "fit")
    }
    return {
        "name": f"run-{key}",
        "budget": records["budget"][0],
        "axes": {"task": sorted(set(records["task"])), "encoder": [], "baseline": []},
        "tests": {
            "dataset": sorted(set(views["test_dataset"])),
            "condition": sorted(set(views["test_condition"])),
        },
        "seeds": seeds,
        "include": include_blocks(records),
    }


def _files(store: Store, kind: str, keys: set[str], needed: bool) -> dict[str, Path]:
    found = {}
    for key in sorted(keys):
        path = store.find(kind, key)
        if path is not None:
            found[f"{kind}/{path.name}"] = path
        elif needed:
            raise StoreError(f"{kind} {key} are no longer in the store", "run the command again")
    return found
