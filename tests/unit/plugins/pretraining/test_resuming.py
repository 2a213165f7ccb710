"""A pretraining that was stopped ends with the bits of one that was not, whatever the strategy."""

import pytest
import torch

from lensbench import TrainingLoop
from lensbench.training.chance import seeded
from lensbench.training.checkpoints import keeping

STEPS = 6
STRATEGIES = [
    ("adversarial", "aae"),
    ("autoencoding", "dcae"),
    ("autoencoding", "vae"),
    ("byol", "mae-vit"),
    ("byol", "resnet18"),
    ("contrastive-divergence:k=2", "rbm"),
    ("dino", "mae-vit"),
    ("ibot", "mae-vit"),
    ("ijepa", "mae-vit"),
    ("mae", "mae-vit"),
    ("paired", "resnet18"),
    ("paired:mask=0.5", "mae-vit"),
    ("simclr", "mae-vit"),
]


class CrashError(Exception):
    """Something that no one foresaw."""


def trained(make, folder, batch, crash_at=-1):
    """The state after six steps of a training that writes a checkpoint after each."""
    steps = 0

    def loss_of(indices, generator):
        nonlocal steps
        steps += 1
        if steps == crash_at:
            raise CrashError
        return model(batch.take(indices), generator)

    with seeded(1), keeping(folder, 0.0) as kept:
        model = make().train()
        loop = TrainingLoop(STEPS, 8, 0.01, 0.1, 0)
        loop.run(model, len(batch), loss_of, lambda _: None, kept.named("pretraining"))
    return model.state_dict()


@pytest.mark.parametrize(("strategy", "encoder"), STRATEGIES)
def test_a_stop_does_not_change_a_bit(tmp_path, objective, pairs, strategy, encoder):
    """Encoder, heads, critics, teachers and centres are as if it had never stopped."""

    def make():
        return objective(strategy, encoder)

    with pytest.raises(CrashError):
        trained(make, tmp_path / "stopped", pairs, crash_at=4)
    resumed = trained(make, tmp_path / "stopped", pairs)
    whole = trained(make, tmp_path / "whole", pairs)
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    first = make().state_dict()
    moved = [name for name in whole if not torch.equal(whole[name], first[name])]
    assert any(name.startswith("encoder.") for name in moved)
