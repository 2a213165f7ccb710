"""A pretraining divided among processes is the one of a single process, and as robust."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file
from tests.killing import killed_when
from torch import nn

from lensbench.cells.computation import Computation, Workplace, part_of
from lensbench.cells.resolved import Resolver
from lensbench.cells.weights import build_encoder, pretraining_seed
from lensbench.errors import RunError
from lensbench.registry import load_catalogue
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.study.cell import Cell, Entrant, View
from lensbench.study.describe import Numerics
from lensbench.training.chance import seed_all, seeded
from lensbench.training.division import Division, divided

VIEW = View("lenses:population=pedagogical", "euclid-vis")
Weights = dict[str, torch.Tensor]


def cell_of(pretraining: str, encoder: str = "mae-vit:depth=1,width=16") -> Cell:
    """A cell of the smallest budget: four steps of pretraining on 64 scenes."""
    catalogue = load_catalogue()
    entrant = Entrant(
        catalogue.canonical("encoder", encoder),
        catalogue.canonical("pretraining", pretraining),
        "linear",
    )
    return Cell(entrant, "morphology", VIEW, (VIEW,), (VIEW,), budget="smoke")


def computation_of(
    folder: Path,
    cell: Cell,
    processes: int,
    watch: Callable[..., None] = lambda *_: None,
    every: float = 60.0,
) -> Computation:
    resolver = Resolver(load_catalogue(), Numerics("cpu", 1, processes))
    place = Workplace(Store(folder), resolver.numerics, watch, every)
    return Computation(resolver.resolve(cell), place)


def pretrained(
    folder: Path, cell: Cell, processes: int, watch: Callable[..., None] = lambda *_: None
) -> Weights:
    """The weights that the store has in the end."""
    computation = computation_of(folder, cell, processes, watch)
    computation.encoder()
    return load_file(computation.store.find("weights", computation.cell.weights))


def ranks_alive() -> list[psutil.Process]:
    """Further processes of divided trainings that this one began."""
    ranks = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended in between
            if "multiprocessing.spawn" in " ".join(child.cmdline()):
                ranks.append(child)
    return ranks


def assert_close(found: Weights, wanted: Weights, atol: float) -> None:
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        torch.testing.assert_close(found[name], values, rtol=0, atol=atol, msg=name)


@pytest.mark.slow
def test_three_processes_train_as_one(tmp_path):
    """Shares of 11, 11 and 10 images give the weights of the batch of 32, to rounding."""
    cell = cell_of("supervised")
    one = pretrained(tmp_path, cell, 1)
    with seeded(0):
        initial = build_encoder(load_catalogue(), cell, 1).state_dict()
    three = pretrained(tmp_path, cell, 3)
    assert max((one[name] - initial[name]).abs().max() for name in one) > 1e-3
    free = [name for name in one if "qkv.bias" in name]  # of keys: no gradient but rounding
    assert_close({**three, **{name: one[name] for name in free}}, one, 1e-5)
    assert_close(features(cell, three), features(cell, one), 1e-4)
    assert ranks_alive() == []


def features(cell: Cell, weights: Weights) -> Weights:
    """What an encoder of these weights makes of noise."""
    encoder = build_encoder(load_catalogue(), cell, 1).eval()
    encoder.load_state_dict(weights)
    images = torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return {"pooled": encoder(images).pooled}


def simclr_of_two_shares(computation: Computation) -> Weights:
    """SimCLR's training written out: two shares, each with its own chance and its own negatives."""
    resolved = computation.cell
    cell, plugins, budget = resolved.cell, resolved.plugins, resolved.budget
    samples = computation.place.samples(resolved.pretraining[0])
    strategy = plugins.get("pretraining", cell.entrant.pretraining)
    encoder = build_encoder(plugins.catalogue, cell, 1)
    seed = pretraining_seed(cell)
    own = torch.Generator()
    with seeded(seed):
        model = strategy.objective(encoder, 1, samples.info).train()
        trained = [p for p in model.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.05},
                {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
            ],
            betas=(0.9, 0.95),
        )
        order = torch.Generator().manual_seed(seed)
        steps = budget.pretraining_steps
        warm = max(1, round(0.1 * steps))
        size = min(strategy.batch_size, len(samples))
        assert size == len(samples)  # so every batch is a permutation of all
        for step in range(steps):
            batch = torch.randperm(len(samples), generator=order)
            turn = torch.pi * (step - warm) / (steps - warm)
            rate = (step + 1) / warm if step < warm else 0.5 * (1 + torch.tensor(turn).cos().item())
            for group in optimiser.param_groups:
                group["lr"] = strategy.learning_rate * rate
            optimiser.zero_grad()
            for rank, share in enumerate(batch.split(size // 2)):
                chance = seed_of("share", seed, step, rank)
                seed_all(chance)
                (0.5 * model(samples.take(share), own.manual_seed(chance))).backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
    return encoder.state_dict()


@pytest.mark.slow
def test_chance_and_negatives_are_of_the_share(tmp_path):
    """SimCLR in two processes is the mean of two losses, each of half a batch."""
    cell = cell_of("simclr")
    two = pretrained(tmp_path, cell, 2)
    assert_close(two, dict(simclr_of_two_shares(computation_of(tmp_path, cell, 2))), 1e-5)


@pytest.mark.slow
def test_a_lost_process_fails_the_training_with_its_death(tmp_path):
    """SIGKILL of the second process: told as such, at once, and nothing goes on running."""

    def kill(stage: str, done: int, total: int, note: str) -> None:
        if stage.startswith("pretraining") and done == 3:
            killed.append(time.monotonic())
            for process in ranks_alive():
                process.kill()

    killed: list[float] = []
    with pytest.raises(RunError, match="process 2 of 2: killed by SIGKILL"):
        pretrained(tmp_path, cell_of("mae"), 2, kill)
    assert time.monotonic() - killed[0] < 60
    assert ranks_alive() == []
    assert Store(tmp_path).stored("weights") == set()


@pytest.mark.slow
def test_an_error_in_another_process_is_the_trainings(tmp_path):
    """What the second process cannot do is told by its own words."""
    entrant = Entrant("no-such-encoder", "mae", "linear")
    cell = cell_of("mae")
    other = dataclasses.replace(cell, entrant=entrant)
    computation = computation_of(tmp_path, cell, 2)
    numerics, code = computation.place.numerics, computation.cell.descriptions.code.known
    division = Division(numerics, functools.partial(part_of, tmp_path, numerics, code, other))
    with (
        pytest.raises(RunError, match=r"process 2 of 2: .*no-such-encoder"),
        divided(division, 0) as team,
    ):
        computation.take_part(team)
    assert ranks_alive() == []


@pytest.mark.slow
def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path):
    """SIGKILL of the first process at any step: no other outlives it, and the bits are the same.

    The encoder has running statistics, which are those of the first process everywhere.
    """
    encoder = "resnet18:width=8"
    cell = cell_of("simclr", encoder)
    whole = pretrained(tmp_path / "whole", cell, 2)
    script = (
        "import importlib.util, os, pathlib, signal\n"
        f"spec = importlib.util.spec_from_file_location('t', {__file__!r})\n"
        "t = importlib.util.module_from_spec(spec); spec.loader.exec_module(t)\n"
        "def watch(stage, done, total, note):\n"
        "    if stage.startswith('pretraining ') and done == 3:\n"
        "        print(*(p.pid for p in t.ranks_alive()), flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"cell = t.cell_of('simclr', {encoder!r})\n"
        f"folder = pathlib.Path({str(tmp_path / 'cut')!r})\n"
        "t.computation_of(folder, cell, 2, watch, 0.0).encoder()\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=dict(os.environ), check=False
    )
    assert killed.returncode == -signal.SIGKILL
    others = [int(word) for word in killed.stdout.split()]
    assert len(others) == 1
    deadline = time.monotonic() + 60
    while any(psutil.pid_exists(pid) for pid in others) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in others)
    steps: list[int] = []

    def note(stage: str, done: int, total: int, note: str) -> None:
        if stage.startswith("pretraining "):
            steps.append(done)

    resumed = pretrained(tmp_path / "cut", cell, 2, note)
    assert steps == [3, 4]  # the checkpoint was of the second step
    assert all(torch.equal(resumed[name], values) for name, values in whole.items())


@pytest.mark.slow
def test_a_worker_of_a_sweep_divides_its_pretraining(tmp_path):
    """In a worker process too; without its driver neither it nor its processes go on."""
    study = tmp_path / "study.toml"
    study.write_text(
        'name = "divided"\nbudget = "smoke"\n[axes]\ntask = ["morphology"]\n'
        'dataset = ["lenses:population=pedagogical"]\n'
        'encoder = ["mae-vit:depth=1,width=16"]\ntransfer = ["linear"]\nbaseline = []\n'
        '[tests]\ncondition = ["euclid-vis"]\n[run]\nprocesses = 2\ndevice = "cpu"\n'
    )
    command = [
        sys.executable, "-c", "from lensbench.cli import main; main()", "sweep", str(study),
        "--store", str(tmp_path / "store"), "--workers", "1",
    ]  # fmt: skip
    others: list[psutil.Process] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        killed_when(process, lambda: others.extend(ranks_alive()) or others, every=0.05)
    assert len(others) == 1
    _, alive = psutil.wait_procs(others, timeout=1200)  # it was just begun: torch comes first
    assert alive == []
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Warning" not in ended.stderr
    assert len(Store(tmp_path / "store").stored("weights")) == 1
