"""Is a device as right as the CPU, and how much faster? Skipped where there is none.

    LENSBENCH_BENCH_DEVICE=cuda pytest tests/bench/test_accelerator.py --benchmark-enable -s

Each test says how far results on the device may be from those of the CPU, and prints rates of both.
`LENSBENCH_BENCH_DEVICE=cpu` tries the script itself. So far it was run on the CPU alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from lensbench import FitContext
from lensbench.api.budget import Budget
from lensbench.api.dataset import Scenes
from lensbench.registry import Catalogue, load_catalogue
from lensbench.sky.instruments import EUCLID_VIS
from lensbench.sky.observation import expose, grid_of, observe
from lensbench.sky.population import Population
from lensbench.sky.scenes import draw_scenes, render
from lensbench.testing import made_samples
from lensbench_reference.lens_fitting.lens_images import Fitting, fit_lenses
from lensbench_reference.transfers.fitting import HeadedEncoder, ModelPredictor

DEVICE = os.environ.get("LENSBENCH_BENCH_DEVICE", "cuda")
COUNT, SIZE, PIXEL_SCALE, FIELD = 24, 288, 0.025, 6.4
ENCODERS = ["mae-vit", "resnet18", "small-resnet"]

pytestmark = pytest.mark.skipif(
    DEVICE != "cpu" and not torch.cuda.is_available(), reason=f"no device {DEVICE}"
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_scenes(Population(), "bench", range(COUNT), 0, SIZE, PIXEL_SCALE)


def seconds_of(work: Callable[[], object], rounds: int = 3) -> float:
    """Of the fastest round, after one to warm up."""
    taken = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        work()
        if DEVICE != "cpu":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return min(taken[1:])


def compare(benchmark: Any, what: str, count: int, on: dict[str, Callable[[], object]]) -> None:
    """Notes and prints items a second; the last of them is what is benchmarked."""
    rates = {name: count / seconds_of(work) for name, work in on.items()}
    benchmark.extra_info.update({f"{name}_per_s": rate for name, rate in rates.items()})
    benchmark.pedantic([*on.values()][-1], rounds=3)
    told = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())
    print(f"\n{what}: {told}")  # noqa: T201


def test_skies(benchmark: Any, scenes: Scenes) -> None:
    """Rendered skies differ by less than 1e-3 of the peak in single precision."""

    def rendered(device: str) -> torch.Tensor:
        drawn = {
            name: torch.from_numpy(np.asarray(values, np.float32)).to(device)
            for name, values in scenes.parameters.items()
        }
        labels = torch.from_numpy(scenes.targets["substructure"])
        return render(drawn, labels, SIZE, PIXEL_SCALE, False)

    there = rendered(DEVICE).cpu()
    assert float((there - scenes.sky[:, 0]).abs().max()) < 1e-3 * float(scenes.sky.max())

    def compiled() -> Scenes:
        return draw_scenes(Population(), "bench", range(COUNT), 0, SIZE, PIXEL_SCALE)

    on = {"cpu, compiled": compiled, DEVICE: lambda: rendered(DEVICE)}
    compare(benchmark, "skies", COUNT, on)


def test_observed_images(benchmark: Any, scenes: Scenes) -> None:
    """Exposed images differ by less than 1e-5 of the peak."""
    grid = grid_of(EUCLID_VIS, FIELD)
    moved = replace(scenes, sky=scenes.sky.to(DEVICE))
    here, there = expose(scenes, EUCLID_VIS, grid), expose(moved, EUCLID_VIS, grid).cpu()
    assert float((there - here).abs().max()) < 1e-5 * float(here.max())
    compare(
        benchmark,
        "exposed images",
        COUNT,
        {
            "cpu": lambda: expose(scenes, EUCLID_VIS, grid),
            DEVICE: lambda: expose(moved, EUCLID_VIS, grid),
        },
    )


@pytest.mark.parametrize("name", ENCODERS)
def test_features(benchmark: Any, catalogue: Catalogue, name: str) -> None:
    """Features differ by less than 1e-3 of their scatter, and by 0.1 of it in bfloat16."""
    torch.manual_seed(0)
    encoder = catalogue.build("encoder", name, channels=1).eval().requires_grad_(False)
    images = torch.randn(128, 1, 64, 64)
    condition = (torch.tensor(EUCLID_VIS.vector()),) if encoder.uses_condition else ()
    here = encoder(images, *condition).pooled
    encoder.to(DEVICE)
    moved, told = images.to(DEVICE), tuple(one.to(DEVICE) for one in condition)

    def encoded(precision: torch.dtype | None = None) -> torch.Tensor:
        with torch.autocast(torch.device(DEVICE).type, precision, enabled=precision is not None):
            return encoder(moved, *told).pooled.float()

    scatter = float(here.std())
    assert float((encoded().cpu() - here).abs().max()) < 1e-3 * scatter
    assert float((encoded(torch.bfloat16).cpu() - here).abs().mean()) < 0.1 * scatter
    compare(
        benchmark,
        f"features of {name}",
        len(images),
        {DEVICE: encoded, f"{DEVICE}, bf16": lambda: encoded(torch.bfloat16)},
    )


def test_evaluation(benchmark: Any, catalogue: Catalogue) -> None:
    """Predictions of a fitted model differ by less than 1e-3."""
    samples = made_samples(count=128, size=64)
    context = FitContext(
        task=catalogue.build("task", "morphology"),
        train=samples,
        validation=samples,
        budget=Budget("bench", 0, 0, len(samples), 1, 8, 8),
        seed=0,
        report=lambda progress: None,
    )
    torch.manual_seed(0)
    model = HeadedEncoder(catalogue.build("encoder", "small-resnet", channels=1), context)
    here = ModelPredictor(model, context.task, model)(samples)
    predictor = ModelPredictor(model.to(DEVICE), context.task, model)
    moved = samples.to(torch.device(DEVICE))
    there = predictor(moved)
    assert here.keys() == there.keys()
    for name, values in here.items():
        assert float((there[name].cpu() - values).abs().max()) < 1e-3
    compare(benchmark, "evaluation", len(samples), {DEVICE: lambda: predictor(moved)})


@pytest.mark.parametrize("precision", [None, torch.bfloat16])
@pytest.mark.parametrize("name", ENCODERS)
def test_training(
    benchmark: Any, catalogue: Catalogue, name: str, precision: torch.dtype | None
) -> None:
    """A step's loss differs by less than 1e-3 of the CPU's, by 3 % in bfloat16, compiled or not."""
    batch = made_samples(count=64, size=64)

    def objective() -> Any:
        torch.manual_seed(0)
        encoder = catalogue.build("encoder", name, channels=1)
        return catalogue.build("pretraining", "simclr").objective(encoder, 1, {}).train()

    def loss_of(model: Any, samples: Any) -> torch.Tensor:
        with torch.autocast(torch.device(DEVICE).type, precision, enabled=precision is not None):
            loss: torch.Tensor = model(samples, torch.Generator().manual_seed(0)).float()
        return loss

    here = objective()(batch, torch.Generator().manual_seed(0)).item()
    moved, kind = batch.to(DEVICE), "bf16" if precision else "fp32"

    def stepping(compiled: bool) -> Callable[[], None]:
        model = objective().to(DEVICE)
        if compiled:
            model.encoder.compile()
        assert loss_of(model, moved).item() == pytest.approx(here, rel=0.03 if precision else 1e-3)
        optimiser = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)

        def step() -> None:
            optimiser.zero_grad()
            loss_of(model, moved).backward()
            optimiser.step()

        return step

    on = {
        f"{DEVICE}, {kind}": stepping(compiled=False),
        f"{DEVICE}, {kind}, compiled": stepping(compiled=True),
    }
    compare(benchmark, f"training of {name}", 2 * len(batch), on)


def test_lens_fits(benchmark: Any, scenes: Scenes) -> None:
    """Nine fits in ten end at the same χ² within 1, with radii within a tenth of their error."""
    images = observe(scenes, EUCLID_VIS, FIELD, 0)[:, 0]
    moved = images.to(DEVICE)
    here = fit_lenses(images, EUCLID_VIS, Fitting())
    there = fit_lenses(moved, EUCLID_VIS, Fitting())
    assert there.theta.device.type == torch.device(DEVICE).type
    there = there.to(torch.device("cpu"))
    error = here.covariance[:, 0, 0].sqrt()
    close = (there.theta[:, 0] - here.theta[:, 0]).abs() < 0.1 * error
    same = (there.chi_squared - here.chi_squared).abs() < 1
    assert float((close & same).double().mean()) >= 0.9
    on = {
        "cpu": lambda: fit_lenses(images, EUCLID_VIS, Fitting()),
        DEVICE: lambda: fit_lenses(moved, EUCLID_VIS, Fitting()),
    }
    compare(benchmark, "lens fits", COUNT, on)


def test_a_run(benchmark: Any, lensbench: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """A run on the device has the rows of one on the CPU; its scores lie in their intervals."""
    monkeypatch.chdir(tmp_path)

    def run(device: str) -> pl.DataFrame:
        call = "run --encoder small-resnet --task morphology --budget smoke --store"
        done = lensbench(*call.split(), tmp_path / f"store-{device}", "--device", device)
        assert done.code == 0, done.err
        files = sorted((tmp_path / f"store-{device}").rglob("runs/*.parquet"))
        return pl.read_parquet(files[-1]).sort("entrant", "test_condition", "metric")

    here = run("cpu")
    there = benchmark.pedantic(run, (DEVICE,), rounds=1)
    assert len(here) == len(there)
    within = there["value"].is_between(here["low"] - 0.05, here["high"] + 0.05)
    assert within.fill_null(True).mean() > 0.9
