"""Computes an artefact with a plugin in a fresh process, and tells which modules that loaded.

    python computing.py < cases.json

Each case is computed in a fork of a process that has loaded other packages only, so that a module
of lensbench is loaded in it where the computation needs it, and not otherwise.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

OTHERS = (
    "annotated_types", "h5py", "numba", "numba.np.arraymath", "numba.typed", "numpy", "pluggy",
    "polars", "pydantic.dataclasses", "pydantic.main", "safetensors.torch", "scipy.stats",
    "sklearn.linear_model", "timm", "torch", "torch._dynamo", "torchmetrics.image",
)  # fmt: skip


def samples(sky: Any, size: int = 32, seed: int = 0, count: int = 24) -> Any:
    """Samples of the conformance kit, whose other modules are not loaded for them."""
    folder = next(Path(p) / "lensbench" for p in sys.path if (Path(p) / "lensbench").is_dir())
    spec = importlib.util.spec_from_file_location("made", folder / "testing" / "samples.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made.made_samples(count=count, sky=sky, size=size, seed=seed)


def make(case: dict[str, Any]) -> None:
    """Makes what a case says."""
    globals()[case["make"]](case)


def find(case: dict[str, Any]) -> None:
    """What is loaded to find plugins, whatever is computed."""
    from lensbench.registry import load_catalogue

    load_catalogue()


def images(case: dict[str, Any]) -> None:
    """Images and skies of a dataset, and its splits."""
    from lensbench.api.condition import Condition
    from lensbench.api.task import SkyTarget
    from lensbench.cells.images import Layer, SceneSet, no_samples
    from lensbench.registry import load_catalogue

    seen = Condition("made", 0.1, 0.2, 25.0, 22.0, 500.0, 1, 4.0, artefacts=1)
    dataset = load_catalogue().build("dataset", case["dataset"])
    scenes = SceneSet("d", dataset, case["split"], 2, 0)
    sky = Layer("s", seen, (SkyTarget(1, ""), seen), {}) if hasattr(dataset, "scenes") else None
    assert not len(no_samples(scenes, Layer("i", seen, None, {}), sky if case["sky"] else None))


def weights(case: dict[str, Any]) -> None:
    """A pretraining of one step, and features of the encoder."""
    import torch

    from lensbench.api.task import SkyTarget
    from lensbench.cells.frozen_features import write_features
    from lensbench.cells.weights import TrainingPlace, build_encoder, pretrain
    from lensbench.registry import load_catalogue
    from lensbench.study.cell import Cell, Entrant, View

    catalogue = load_catalogue()
    views = [samples(SkyTarget(2)), samples(SkyTarget(2))]
    entrant = Entrant(case["encoder"], case["pretraining"], "linear")
    view = View("d", "c")
    cell = Cell(entrant, "t", view, (view,), budget="smoke:pretraining_steps=1")
    cpu = torch.device("cpu")
    if case["pretraining"] == "none":
        encoder = build_encoder(catalogue, cell, 1)
    else:
        encoder = pretrain(catalogue, cell, views, TrainingPlace(cpu))
    paths = {part: Path(case["folder"]) / f"{part}.h5" for part in ("pooled", "maps")}
    write_features(paths, encoder, views[0], cpu)


def records(case: dict[str, Any]) -> None:
    """A fit of a step or two, its predictions and their scores."""
    from dataclasses import replace

    import torch

    from lensbench.api.task import SkyTarget
    from lensbench.cells.answers import answers, order_seed
    from lensbench.cells.fits import fit, fit_context
    from lensbench.cells.plugins import Plugins
    from lensbench.cells.score import score
    from lensbench.errors import UndefinedError
    from lensbench.registry import load_catalogue
    from lensbench.study.cell import Cell, Entrant, View

    plugins = Plugins(load_catalogue())
    view = View("d", "c")
    entrant = Entrant(case["encoder"], "none", case["transfer"], case["baseline"])
    cell = Cell(entrant, case["task"], view, (view,), budget="smoke:train_steps=2,resamples=5")
    task = plugins.get("task", cell.task)
    sky = task.sky or SkyTarget(2)
    train, validation, other, test = (samples(sky, seed=seed) for seed in range(4))
    encoder = (
        plugins.catalogue.build("encoder", entrant.encoder, channels=1) if case["encoder"] else None
    )
    if plugins.frozen(entrant.transfer):
        from lensbench.training.encoding import encode

        with torch.no_grad():
            train, validation, other, test = (
                replace(one, features=encode(encoder.eval(), one))
                for one in (train, validation, other, test)
            )
    context = fit_context(plugins, cell, train, validation, other, [test])
    predictor = fit(plugins, entrant, encoder, context)
    predictions = answers(predictor, test, order_seed(cell, view))
    for metric in task.metrics:
        try:
            score(metric, predictions, test, 5)
        except UndefinedError:
            continue


def loaded_by(case: dict[str, Any]) -> dict[str, Any]:
    """Modules that a case loads in a fork of this process, or its error."""
    reading, writing = os.pipe()
    if not os.fork():
        try:
            make(case)
            answer = {"loaded": sorted(sys.modules)}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        with os.fdopen(writing, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = json.load(pipe)
    os.wait()
    return answer


if __name__ == "__main__":
    for name in OTHERS:
        importlib.import_module(name)
    import numba
    import torch

    torch.set_num_threads(1)
    numba.njit(lambda number: number)(1)  # loads its compiler
    gc.freeze()  # what is here is shared with the forks, and no garbage
    assert not [name for name in sys.modules if name.startswith("lensbench")]
    json.dump([loaded_by(case) for case in json.load(sys.stdin)], sys.stdout)
