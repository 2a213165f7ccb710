"""A training that is stopped ends with the bits of one that was not."""

import functools
import hashlib
import io
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from lensbench.errors import RunError
from lensbench.training.chance import seeded
from lensbench.training.checkpoints import CheckpointWarning, keeping
from lensbench.training.loop import TrainingLoop

STEPS = 12


class CrashError(Exception):
    """Something that no one foresaw."""


def model() -> nn.Sequential:
    """With statistics in buffers, chance of its own and a part that is not trained."""
    net = nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 8), nn.Linear(8, 1)
    )
    net[3].requires_grad_(False)
    return net


def train(folder: Path, crash_at: int = -1, loops: int = 2, every: float = 0.0) -> torch.Tensor:
    """Two loops in a row, all chance in use; checkpoints after every step."""
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    steps = 0

    def loss_of(indices, generator):
        nonlocal steps
        steps += 1
        if steps == crash_at:
            raise CrashError
        batch = x[indices] + torch.randn(len(indices), 3, generator=generator)
        factor = random.random() + np.random.random()
        return net(batch).square().mean() * factor + net(batch).mean()

    with seeded(3), keeping(folder, every) as checkpoints:
        net = model().train()
        for number in range(loops):
            checkpoint = checkpoints.named(f"loop{number}")
            loop = TrainingLoop(STEPS, 16, 0.01, 0.1, number)
            loop.run(net, 40, loss_of, lambda _: None, checkpoint)
    return torch.cat([value.flatten().double() for value in net.state_dict().values()])


@functools.cache
def undisturbed() -> torch.Tensor:
    """What the training ends with where nothing happens to it, not even a checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        return train(Path(folder) / "whole", every=1e9)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(crashes=st.lists(st.integers(1, 2 * STEPS), max_size=4))
def test_crashes_do_not_change_a_bit(tmp_path_factory, crashes):
    """Wherever it fails and however often, resumed it ends as if it had not."""
    folder = tmp_path_factory.mktemp("run")
    for crash_at in crashes:
        try:
            train(folder / "crashed", crash_at)
        except CrashError:
            continue
    assert torch.equal(train(folder / "crashed"), undisturbed())
    assert list(folder.iterdir()) == []


def test_a_resumed_loop_repeats_no_step(tmp_path):
    """Of 24 steps 15 were taken: nine are left, so the tenth never comes."""
    with pytest.raises(CrashError):
        train(tmp_path / "c", 16)
    with pytest.raises(CrashError):
        train(tmp_path / "c", 9)
    train(tmp_path / "c", 2)


def test_an_interrupt_writes_what_was_reached(tmp_path):
    """Ctrl-C long before the next checkpoint loses nothing."""
    x = torch.randn(40, 3)
    net = model()
    seen: list[int] = []

    def report(progress):
        seen.append(progress.done)
        if len(seen) == 5:
            raise KeyboardInterrupt

    def loss_of(indices, generator):
        return net(x[indices]).square().mean()

    loop = TrainingLoop(STEPS, 16, 0.01, 0.1, 0)
    with pytest.raises(KeyboardInterrupt), keeping(tmp_path / "c", 1e9) as kept:
        loop.run(net, 40, loss_of, report, kept.named("loop0"))
    with keeping(tmp_path / "c", 1e9) as kept:
        loop.run(net, 40, loss_of, report, kept.named("loop0"))
    assert seen == list(range(1, STEPS + 1))


@pytest.mark.parametrize("content", [b"", b"PK", b"nonsense" * 100])
def test_a_damaged_checkpoint_is_told_and_left_alone(tmp_path, content):
    """Training begins anew and ends right."""
    with pytest.raises(CrashError):
        train(tmp_path / "c", 5)
    (tmp_path / "c" / "loop0.pt").write_bytes(content)
    with pytest.warns(CheckpointWarning, match="starts again"):
        result = train(tmp_path / "c")
    assert torch.equal(result, undisturbed())


@pytest.mark.parametrize("where", [0.001, 0.2, 0.5, 0.8, 0.999])
def test_a_flipped_byte_of_a_checkpoint_is_noticed(tmp_path, where):
    """Told of, wherever it is, and the training ends with the right bits."""
    with pytest.raises(CrashError):
        train(tmp_path / "c", 5)
    path = tmp_path / "c" / "loop0.pt"
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 0x40
    path.write_bytes(bytes(content))
    with pytest.warns(CheckpointWarning, match="damaged"):
        result = train(tmp_path / "c")
    assert torch.equal(result, undisturbed())


def test_a_checkpoint_of_another_training_is_not_taken(tmp_path):
    """Other steps, sizes or shapes are another training."""
    with pytest.raises(CrashError):
        train(tmp_path / "c", 5)
    net = nn.Linear(3, 1)
    with pytest.warns(CheckpointWarning, match="another"), keeping(tmp_path / "c", 1e9) as kept:
        TrainingLoop(2, 4, 0.01, 0.0, 0).run(
            net,
            8,
            lambda i, _: net(torch.ones(len(i), 3)).mean(),
            lambda _: None,
            kept.named("loop0"),
        )


def test_two_trainings_of_one_name_are_refused(tmp_path):
    """The second would begin where the first ended."""
    with keeping(tmp_path / "c", 1e9) as checkpoints:
        checkpoints.named("task")
        with pytest.raises(ValueError, match="two trainings are named 'task'"):
            checkpoints.named("task")


def test_killed_processes_go_on(tmp_path):
    """SIGKILL at any time, several times, and still the same bits."""
    script = (
        "import importlib.util, os, pathlib, random, signal, time\n"
        f"spec = importlib.util.spec_from_file_location('t', {__file__!r})\n"
        "t = importlib.util.module_from_spec(spec); spec.loader.exec_module(t)\n"
        "chance = random.Random(1)\n"
        "for _ in range(6):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        f"        t.train(pathlib.Path({str(tmp_path / 'c')!r}))\n"
        "        os._exit(0)\n"
        "    time.sleep(chance.uniform(0.0, 0.15))\n"
        "    os.kill(child, signal.SIGKILL)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )  # one process imports, and a new one trains each time
    ended = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE)
    assert str(-signal.SIGKILL).encode() in ended.stdout.split()
    assert torch.equal(train(tmp_path / "c"), undisturbed())


@pytest.mark.parametrize("lost", ["step", "model", "optimiser", "order", "generator", "chance"])
def test_a_checkpoint_that_lacks_a_part_is_refused(tmp_path, lost):
    """Its digest and mark are right, so the training can neither use it nor know why."""
    with pytest.raises(CrashError):
        train(tmp_path / "of", crash_at=5)
    file = tmp_path / "of" / "loop0.pt"
    state = torch.load(io.BytesIO(file.read_bytes()[32:]), weights_only=True)
    del state[lost]
    buffer = io.BytesIO()
    torch.save(state, buffer)
    file.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    with pytest.raises(RunError, match=rf"loop0\.pt' cannot be used: it lacks '{lost}'") as caught:
        train(tmp_path / "of")
    assert "remove it" in caught.value.hint


def test_a_checkpoint_of_other_shapes_is_refused(tmp_path):
    """An optimiser that has moments of another model, say."""
    with pytest.raises(CrashError):
        train(tmp_path / "of", crash_at=5)
    file = tmp_path / "of" / "loop0.pt"
    state = torch.load(io.BytesIO(file.read_bytes()[32:]), weights_only=True)
    state["optimiser"]["param_groups"] = []
    buffer = io.BytesIO()
    torch.save(state, buffer)
    file.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    with pytest.raises(RunError, match="cannot be used: loaded state dict"):
        train(tmp_path / "of")


def test_a_folder_in_the_place_of_a_checkpoint_is_refused(tmp_path):
    """It could not be replaced either."""
    (tmp_path / "of" / "loop0.pt").mkdir(parents=True)
    with pytest.raises(RunError, match=r"loop0\.pt' cannot be used: Is a directory"):
        train(tmp_path / "of")
