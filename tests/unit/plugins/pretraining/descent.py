"""Training on one batch, as tests of several strategies do."""

import torch


def steps(loss, batch, count, rate=3e-3, seed=0):
    """Losses of training on one batch."""
    loss.train()
    trained = [p for p in loss.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, rate)
    random = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(count):
        optimiser.zero_grad()
        value = loss(batch, random)
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return losses
