"""Joint-embedding prediction of blocks of an image from the rest of it (I-JEPA)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from torch import Tensor, nn

from lensbench import Pretraining, Samples, Target
from lensbench_reference.pretraining.masking import HEADS, check_maskable, grid_of, prepared
from lensbench_reference.pretraining.momentum import Follower
from lensbench_reference.pretraining.views import check_no_planes, draw_symmetries, symmetric
from lensbench_reference.transformer import Block


class IJEPA(Pretraining):
    """Predicts what a slow copy of the encoder makes of blocks that the encoder doesn't see.

    After Assran et al. 2023 (arXiv:2301.08243): the copy sees the whole image, the encoder the
    patches outside the blocks, and a narrow transformer predicts the copy's tokens in each block
    from the encoder's and from where the block lies. Blocks are as large and as long as theirs.
    Nothing is said of pixels, whose noise nobody can predict.
    """

    learning_rate = 1e-3
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options:
        """Options of `ijepa`.

        Attributes:
            blocks: Blocks of an image to predict.
            smallest, largest: Share of the image that a block covers.
            width, depth: Of the transformer that predicts.
            momentum: Of the copy's weights.
        """

        blocks: Annotated[int, Ge(1)] = 4
        smallest: Annotated[float, Gt(0), Lt(1)] = 0.15
        largest: Annotated[float, Gt(0), Lt(1)] = 0.2
        width: Annotated[int, Ge(4), MultipleOf(HEADS)] = 64
        depth: Annotated[int, Ge(1)] = 2
        momentum: Annotated[float, Ge(0), Le(1)] = 0.996

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> IJEPALoss:
        """The encoder, its copy and the transformer that predicts.

        Raises:
            IncompatibleError: Where the encoder has no patches to leave out.
        """
        check_maskable(encoder, "pretraining 'ijepa'")
        check_no_planes(encoder, "ijepa")
        return IJEPALoss(encoder, self.options)


class IJEPALoss(nn.Module):
    """Encoder, copy and predictor; called for the error of the predicted tokens."""

    def __init__(self, encoder: Any, options: IJEPA.Options) -> None:
        super().__init__()
        self.encoder = encoder
        self.options = options
        self.slow_encoder = Follower(encoder, options.momentum)
        self.predict = TokenPredictor(encoder.width, options.width, options.depth)

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Mean squared error of the tokens in the blocks, in units of their scatter."""
        self.slow_encoder.follow(self.encoder)
        turned = symmetric(batch.images, draw_symmetries(len(batch), generator))
        images, told = prepared(self.encoder, replace(batch, images=turned))
        rows, columns = grid_of(self.encoder, images)
        blocks, seen = draw_blocks(len(batch), rows, columns, self.options, generator)
        blocks, seen = blocks.to(images.device), seen.to(images.device)
        with torch.no_grad():
            tokens = self.slow_encoder.copy.tokens(images, None, *told)
            wanted = nn.functional.layer_norm(tokens, tokens.shape[-1:])
        context = self.encoder.tokens(images, seen, *told)
        positions = self.encoder.positions(rows, columns)
        errors = []
        for block in blocks.unbind(1):  # each is predicted alone
            answer = self.predict(context, positions[seen], positions[block])
            at = block[..., None].expand(-1, -1, wanted.shape[2])
            errors.append(nn.functional.mse_loss(answer, wanted.gather(1, at)))
        return torch.stack(errors).mean()


class TokenPredictor(nn.Module):
    """A narrow transformer from the tokens that were seen to those of a block."""

    def __init__(self, tokens: int, width: int, depth: int) -> None:
        super().__init__()
        self.into = nn.Linear(tokens, width)
        self.position = nn.Linear(tokens, width, bias=False)
        self.hidden = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(Block(width, HEADS, 4.0) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, tokens)

    def forward(self, context: Tensor, places: Tensor, wanted: Tensor) -> Tensor:
        """Tokens (B, H, T) at the positions (B, H, T), from others (B, K, T) at theirs."""
        tokens = torch.cat(
            [self.into(context) + self.position(places), self.hidden + self.position(wanted)], 1
        )
        for block in self.blocks:
            tokens = block(tokens)
        answer: Tensor = self.out(self.norm(tokens[:, context.shape[1] :]))
        return answer


def draw_blocks(
    count: int, rows: int, columns: int, options: IJEPA.Options, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Patches (B, M, H) of blocks, and patches (B, K) outside all blocks of an image.

    All blocks of a batch are of one size; K is that of the image in which fewest are left.
    """
    share = options.smallest + (options.largest - options.smallest) * _uniform(generator)
    ratio = math.exp(math.log(0.75) + (math.log(1.5) - math.log(0.75)) * _uniform(generator))
    area = share * rows * columns
    height = min(rows - 1, max(1, round(math.sqrt(area * ratio))))
    width = min(columns - 1, max(1, round(math.sqrt(area / ratio))))
    shape = (count, options.blocks)
    top = torch.randint(rows - height + 1, shape, generator=generator)
    left = torch.randint(columns - width + 1, shape, generator=generator)
    within = torch.arange(height)[:, None] * columns + torch.arange(width)
    blocks = (top * columns + left)[..., None] + within.flatten()
    order = torch.rand(count, rows * columns, generator=generator)
    order = order.scatter(1, blocks.flatten(1), 2.0)  # those in a block come last
    left_over = max(1, int((order < 2).sum(1).min()))
    return blocks, order.argsort(1)[:, :left_over]


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
