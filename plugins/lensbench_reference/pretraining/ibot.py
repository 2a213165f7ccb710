"""Self-distillation of whole images and of hidden patches (iBOT)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Gt, Lt
from torch import Tensor, nn

from lensbench import Pretraining, Samples, Target
from lensbench_reference.pretraining.dino import DINO, PrototypeHead, centred_shares
from lensbench_reference.pretraining.masking import check_maskable, grid_of, prepared
from lensbench_reference.pretraining.momentum import Follower
from lensbench_reference.pretraining.views import check_no_planes, view
from lensbench_reference.transformer import images_of, patches_of


class IBOT(Pretraining):
    """`dino`, and the same for single patches that the student doesn't see.

    After Zhou et al. 2021 (arXiv:2111.07832). A learned patch stands where patches are hidden. The
    student predicts the teacher's output for these, and, from the mean of all tokens, those for
    the whole of the other view. Both have one head; each has a centre of its own.
    """

    learning_rate = 5e-4
    weight_decay = 0.05
    batch_size = 64

    @dataclass(frozen=True)
    class Options(DINO.Options):
        """Options of `ibot`, beside those of `dino`.

        Attributes:
            hidden_images: Share of the views in which patches are hidden.
            least, most: Share of the patches that are hidden in such a view.
        """

        hidden_images: Annotated[float, Gt(0), Lt(1)] = 0.5
        least: Annotated[float, Gt(0), Lt(1)] = 0.1
        most: Annotated[float, Gt(0), Lt(1)] = 0.5

        def __post_init__(self) -> None:
            if self.least > self.most:
                raise ValueError(f"least ({self.least}) must not be above most ({self.most})")

    def __init__(self, options: Options) -> None:
        self.options = options

    def objective(self, encoder: Any, channels: int, targets: Mapping[str, Target]) -> IBOTLoss:
        """Student and teacher, each an encoder with a head.

        Raises:
            IncompatibleError: Where the encoder has no patches to hide.
        """
        check_maskable(encoder, "pretraining 'ibot'")
        check_no_planes(encoder, "ibot")
        return IBOTLoss(encoder, channels, self.options)


class IBOTLoss(nn.Module):
    """Student, teacher and centres; called for the sum of both cross-entropies."""

    centres: Tensor

    def __init__(self, encoder: Any, channels: int, options: IBOT.Options) -> None:
        super().__init__()
        self.options = options
        self.encoder = encoder
        self.head = PrototypeHead(encoder.width, options)
        self.hidden = nn.Parameter(torch.zeros(channels * encoder.patch**2))
        self.slow_encoder = Follower(encoder, options.momentum)
        self.slow_head = Follower(self.head, options.momentum)
        self.register_buffer("centres", torch.zeros(2, options.prototypes))

    def forward(self, batch: Samples, generator: torch.Generator) -> Tensor:
        """Cross-entropy of whole views with the other, and of hidden patches with the same view."""
        self.slow_encoder.follow(self.encoder)
        self.slow_head.follow(self.head)
        views = torch.cat([view(batch.images, self.options, generator) for _ in range(2)])
        images, told = prepared(self.encoder, replace(batch, images=views))
        rows, columns = grid_of(self.encoder, images)
        mask = draw_masks(len(images), rows * columns, self.options, generator).to(images.device)
        with torch.no_grad():
            slow = self.slow_encoder.copy.tokens(images, None, *told)
            wanted = [
                centred_shares(self.slow_head.copy(tokens), centre, self.options, self.training)
                for tokens, centre in zip((slow.mean(1), slow), self.centres, strict=True)
            ]
        tokens = self.encoder.tokens(self._with_hidden(images, mask), None, *told)
        whole = _cross_entropy(self._students(tokens.mean(1)), wanted[0].roll(len(batch), 0))
        patches = _cross_entropy(self._students(tokens), wanted[1])
        by_view = (patches * mask).sum(1) / mask.sum(1).clamp(min=1)
        return whole.mean() + by_view.sum() / mask.any(1).sum().clamp(min=1)

    def _students(self, tokens: Tensor) -> Tensor:
        answers: Tensor = self.head(tokens) / self.options.student
        return answers

    def _with_hidden(self, images: Tensor, mask: Tensor) -> Tensor:
        """Images (B, C, H, W) with the learned patch where the mask (B, L) is true."""
        rows, columns = grid_of(self.encoder, images)
        patches = torch.where(
            mask[..., None], self.hidden.to(images), patches_of(images, self.encoder.patch)
        )
        return images_of(patches, rows, columns, self.encoder.patch)


def draw_masks(
    count: int, patches: int, options: IBOT.Options, generator: torch.Generator
) -> Tensor:
    """Which patches of each view are hidden (count, patches); none in some views.

    At least one patch is hidden in a view that has any, and one is left.
    """
    share = torch.rand(count, generator=generator) * (options.most - options.least) + options.least
    hide = torch.rand(count, generator=generator) < options.hidden_images
    number = (share * patches).round().clamp(1, patches - 1) * hide
    ranks = torch.rand(count, patches, generator=generator).argsort(1).argsort(1)
    return ranks < number[:, None]


def _cross_entropy(answers: Tensor, wanted: Tensor) -> Tensor:
    """Of shares (…, prototypes) under logits of the same shape, for each (…)."""
    return -(wanted * answers.log_softmax(-1)).sum(-1)
