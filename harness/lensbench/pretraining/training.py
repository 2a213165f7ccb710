"""The training itself: the loop of all trainings, on scenes that never end."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lensbench.api.checkpoint import Checkpoint
from lensbench.api.progress import Progress, Report
from lensbench.errors import IncompatibleError, UsageError
from lensbench.files import StageReport
from lensbench.pretraining.drawing import AwaitedChunks, Chunks, drawing
from lensbench.pretraining.logs import loss_log, probe_log, probe_rows
from lensbench.pretraining.probe import Probe
from lensbench.pretraining.recipe import Recipe
from lensbench.pretraining.reconstructions import draw_reconstructions
from lensbench.pretraining.sources import ChunkSource, DrawnChunks, source_of
from lensbench.pretraining.stream import IMAGES, Buffer, Windows
from lensbench.registry import Catalogue, load_catalogue
from lensbench.sky.seeds import seed_of
from lensbench.study.describe import Numerics
from lensbench.training.chance import seeded
from lensbench.training.checkpoints import keeping
from lensbench.training.division import Division, divided
from lensbench.training.loop import TrainingLoop
from lensbench.training.precision import Precision, products_in
from lensbench.training.team import Team


@dataclass(frozen=True)
class Monitoring:
    """Reports, probes and checkpoints of a pretraining, which do not change the weights.

    Attributes:
        probes: Probes from first to last step; 0 for none.
        probe_scenes: Validation scenes of each population behind a probe.
        targets: Real targets to probe.
        checkpoint_seconds: Between two checkpoints.
        drawers: Processes that draw scenes ahead; 0 to draw between steps.
    """

    probes: int = 10
    probe_scenes: int = 192
    targets: tuple[str, ...] = ("theta_E",)
    checkpoint_seconds: float = 120.0
    drawers: int = 1


@dataclass(frozen=True)
class PretrainedEncoder:
    """An encoder at the end of its pretraining.

    Attributes:
        encoder: On the recipe's device.
        channels: Bands of its images.
        sizes: Side of its images [pixels], by condition.
        loss: Mean of the last tenth of the steps.
        scenes: Scenes that were drawn for it, or read.
        mean, deviation: Of the pixels of the first chunk, all conditions together [σ].
    """

    encoder: Any
    channels: int
    sizes: dict[str, int]
    loss: float
    scenes: int
    mean: float
    deviation: float


class StreamingObjective(nn.Module):
    """An objective with the number of the step that it is at, which checkpoints keep.

    Args:
        objective: Of the strategy.
        buffer: Gives the batch of a step.
        paired: Whether batches are pairs.
        precision: `fp32` or `bf16`.
    """

    position: Tensor

    def __init__(self, objective: Any, buffer: Buffer, paired: bool, precision: Precision) -> None:
        super().__init__()
        self.objective = objective
        self._buffer, self._paired, self._precision = buffer, paired, precision
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))

    def forward(
        self, share: Tensor | None, common: torch.Generator, generator: torch.Generator
    ) -> Tensor:
        """The loss of the next batch, or of a share of it.

        Args:
            share: Places in the batch (b,); none for all.
            common: Of the choice of scenes, which all processes share.
            generator: Of the loss.
        """
        batch = self._buffer.batch(int(self.position), self._paired, common)
        if share is not None:
            batch = batch.take(share)
        self.position += 1
        device = self.position.device
        with products_in(self._precision, device):
            loss: Tensor = self.objective(batch.to(device), generator)
        return loss.float()


def train(
    recipe: Recipe,
    catalogue: Catalogue,
    folder: Path,
    watching: Monitoring,
    keep: Callable[[PretrainedEncoder], None],
    report: StageReport,
) -> None:
    """Trains an encoder, going on from the last checkpoint in the folder where there is one.

    On the CPU the weights are the same, bit for bit, however often the training was stopped.

    Args:
        recipe: What the weights follow from.
        catalogue: The plugins.
        folder: Of checkpoints, chunks and logs.
        watching: What is tried on the way.
        keep: Called with what was trained, before its checkpoints go.
        report: Told of every step.

    Raises:
        IncompatibleError: Where strategy, encoder and conditions do not fit.
        RunError: Where the loss is not finite.
    """
    torch.set_num_threads(recipe.threads)
    source = source_of(recipe)
    strategy = catalogue.build("pretraining", recipe.pretraining)
    _check(recipe, strategy, source)
    numerics = Numerics(recipe.device, recipe.threads, recipe.processes)
    division = Division(numerics, functools.partial(part_of, recipe, folder))
    with (
        keeping(folder / "checkpoints", watching.checkpoint_seconds) as checkpoints,
        drawing(recipe, source, folder / "chunks", watching.drawers) as chunks,
        divided(division, _seed(recipe)) as team,
        seeded(_seed(recipe)),
    ):
        buffer = Buffer(
            Windows.of(recipe), source.known, chunks.fetch, chunks.discard, chunks.ahead
        )
        networks = _networks(recipe, catalogue, strategy, source, buffer)
        watch = _Watch(recipe, folder, watching, networks, chunks, report)
        watch.prepare(source)
        checkpoint = checkpoints.named("pretraining")
        loss = _run(recipe, strategy, networks.streaming, team, watch.told, checkpoint)
        watch.finish()
        keep(_pretrained(recipe, source, networks.encoder, loss))


def part_of(recipe: Recipe, folder: Path) -> Callable[[Team], object]:
    """What a further process does: the same steps, each with its share of the batch."""
    catalogue, source = load_catalogue(), source_of(recipe)
    strategy = catalogue.build("pretraining", recipe.pretraining)

    def take_part(team: Team) -> None:
        with seeded(_seed(recipe)):
            buffer = Buffer(
                Windows.of(recipe), source.known, AwaitedChunks(folder / "chunks").fetch
            )
            model = _networks(recipe, catalogue, strategy, source, buffer).streaming
            _run(recipe, strategy, model, team, lambda _: None)

    return take_part


def _seed(recipe: Recipe) -> int:
    return seed_of("pretraining", recipe.pretraining, recipe.seed)


class _Networks(NamedTuple):
    """An encoder, and the module whose loss trains it."""

    encoder: Any
    streaming: StreamingObjective


def _networks(
    recipe: Recipe, catalogue: Catalogue, strategy: Any, source: ChunkSource, buffer: Buffer
) -> _Networks:
    """The encoder with its initial weights, and the module that trains it.

    Raises:
        UsageError: Where nothing is trained.
    """
    with seeded(seed_of("initial", catalogue.architecture(recipe.encoder), recipe.seed)):
        encoder = catalogue.build("encoder", recipe.encoder, channels=source.channels)
    objective = strategy.objective(encoder, source.channels, source.known.info)
    if objective is None:
        raise UsageError(f"pretraining {recipe.pretraining!r} trains nothing", "name another")
    model = StreamingObjective(objective, buffer, strategy.paired, recipe.precision)
    return _Networks(encoder, model.to(torch.device(recipe.device)).train())


def _run(
    recipe: Recipe,
    strategy: Any,
    model: StreamingObjective,
    team: Team,
    report: Report,
    checkpoint: Checkpoint | None = None,
) -> float:
    loop = TrainingLoop(
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate or strategy.learning_rate,
        weight_decay=strategy.weight_decay,
        seed=_seed(recipe),
        team=team,
    )
    several = team.processes > 1

    def loss_of(indices: Tensor, generator: torch.Generator) -> Tensor:
        loss: Tensor = model(indices if several else None, team.common(generator), generator)
        return loss

    return loop.run(model, recipe.batch_size, loss_of, report, checkpoint).loss


def best_precision(device: str) -> Precision:
    """bfloat16 where an accelerator has it."""
    return "bf16" if device == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def _pretrained(
    recipe: Recipe, source: ChunkSource, encoder: Any, loss: float
) -> PretrainedEncoder:
    """An encoder with statistics of the first chunk's images."""
    arrays = source.chunk(0)
    images = {name: arrays[IMAGES + name] for name in source.known.conditions}
    pixels = np.concatenate([values.ravel() for values in images.values()])
    return PretrainedEncoder(
        encoder=encoder,
        channels=source.channels,
        sizes={name: values.shape[-1] for name, values in images.items()},
        loss=loss,
        scenes=Windows.of(recipe).at(recipe.steps - 1).stop * recipe.chunk,
        mean=float(pixels.mean(dtype=np.float64)),
        deviation=float(pixels.std(dtype=np.float64)),
    )


def _check(recipe: Recipe, strategy: Any, source: ChunkSource) -> None:
    if not strategy.needs_images:
        raise UsageError(f"pretraining {recipe.pretraining!r} needs no images", "name another")
    if strategy.paired and len(recipe.conditions) < 2:
        raise IncompatibleError(
            f"pretraining {recipe.pretraining!r} needs two conditions",
            "name two or more with --conditions",
        )
    if missing := [name for name in strategy.targets if name not in source.known.info]:
        raise IncompatibleError(
            f"pretraining {recipe.pretraining!r} needs the target {missing[0]!r}, "
            "which none of these scenes have, or not with one meaning",
            "name a population that has it, or a strategy without targets",
        )


class _Watch:
    """Follows the training: writes the log, and at times probes and draws reconstructions."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        watching: Monitoring,
        networks: _Networks,
        chunks: Chunks,
        report: StageReport,
    ) -> None:
        self._recipe, self._folder, self._watching = recipe, folder, watching
        self._encoder, self._streaming = networks
        self._chunks, self._report = chunks, report
        self._probe: Probe | None = None
        self._log, self._probes = loss_log(folder), probe_log(folder)
        self._began = self._last = time.perf_counter()
        self._told_at = 0
        self._every = max(1, recipe.steps // max(1, watching.probes))
        self._log_every = max(1, min(50, recipe.steps // 100))

    def prepare(self, source: ChunkSource) -> None:
        """Draws the scenes to probe on; none are drawn beside shards."""
        if self._watching.probes and isinstance(source, DrawnChunks):
            self._report("validation scenes", 0, 1, "")
            self._probe = Probe(
                source.datasets,
                source.known,
                self._watching.probe_scenes,
                self._watching.targets,
                self._recipe.seed,
            )
            self._report("validation scenes", 1, 1, "")
        self._began = self._last = time.perf_counter()

    def told(self, progress: Progress) -> None:
        """Writes the log and probes when it is time, after a step of the training."""
        step, steps = progress.done, progress.total
        if step % self._log_every == 0 or step == steps:
            now = time.perf_counter()
            seconds = now - self._last
            taken = (step - self._told_at) if self._told_at else self._log_every
            waited = self._chunks.waited / seconds if seconds > 0 else 0.0
            self._chunks.waited = 0.0
            row = {
                "step": step,
                "loss": progress.loss,
                "seconds": now - self._began,
                "images_per_second": taken * self._recipe.batch_size / max(seconds, 1e-9),
                "waited": waited,
            }
            self._log.put(step, [row])
            self._last, self._told_at = now, step
        self._report("pretraining", step, steps, progress.text)
        if step % self._every == 0 and step < steps:
            self._look(step)

    def finish(self) -> None:
        """The last probe."""
        self._look(self._recipe.steps)

    def _look(self, step: int) -> None:
        if self._probe is None:
            return
        device = self._streaming.position.device
        with seeded(0):
            scores = self._probe.scores(self._encoder, device)
            draw_reconstructions(
                self._streaming.objective,
                self._encoder,
                list(self._probe.first(4)),
                device,
                self._folder / "reconstructions.png",
            )
        self._probes.put(step, probe_rows(step, scores))
        by_metric: dict[str, list[float]] = {}
        for score in scores:
            by_metric.setdefault(f"{score.target} {score.metric}", []).append(score.interval.value)
        told = ", ".join(f"{name} {sum(v) / len(v):.3f}" for name, v in by_metric.items())
        self._report(f"probe at step {step}", 1, 1, told)
        self._last = time.perf_counter()
