"""The optimiser of the training loop."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch import nn

from lensbench.training.adamw import AdamW, Group


def test_it_moves_parameters_as_torchs_own():
    """To the bit, with rates and decays of groups, and past a step without a gradient."""
    kept, own = ([nn.Parameter(torch.arange(12.0).reshape(3, 4) / (i + 1)) for i in range(3)]
                 for _ in range(2))  # fmt: skip
    groups = [(1.0, 0.05, slice(0, 1)), (0.5, 0.0, slice(1, 3))]
    optimiser = AdamW([Group(own[part], decay, rate) for rate, decay, part in groups])
    reference = torch.optim.AdamW(
        [{"params": kept[part], "weight_decay": decay} for _, decay, part in groups],
        betas=(0.9, 0.95), fused=True,
    )  # fmt: skip
    random = torch.Generator().manual_seed(0)
    for step in range(5):
        for number, (one, other) in enumerate(zip(own, kept, strict=True)):
            gradient = torch.randn(3, 4, generator=random)
            one.grad = other.grad = None if (step, number) in {(0, 1), (2, 2)} else gradient
        learning_rate = 0.01 * (step + 1)
        for group, (rate, _, _) in zip(reference.param_groups, groups, strict=True):
            group["lr"] = learning_rate * rate
        optimiser.step(learning_rate)
        reference.step()
        assert all(torch.equal(one, other) for one, other in zip(own, kept, strict=True))


def test_a_training_leaves_torchs_compiler_alone():
    """Its import takes nearly as long as that of torch."""
    code = (
        "import sys, torch\n"
        "from lensbench.training.loop import TrainingLoop\n"
        "net = torch.nn.Linear(2, 1)\n"
        "loss_of = lambda indices, _: net(torch.ones(len(indices), 2)).square().sum()\n"
        "TrainingLoop(2, 2, 0.1, 0.1, 0).run(net, 4, loss_of, lambda _: None)\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
