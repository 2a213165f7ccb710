"""Masked autoencoding as this package, lightly and transformers have it, at equal architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from lensbench import Samples, stretch
from lensbench.registry import load_catalogue

IMAGE, MASK = 64, 0.75


@dataclass(frozen=True)
class Size:
    """Encoder and decoder; the token beside the patches is the class token of the peers."""

    width: int
    depth: int
    heads: int
    decoder_width: int
    decoder_depth: int
    patch: int = 8
    registers: int = 1

    @property
    def length(self) -> int:
        """Patches of an image."""
        return (IMAGE // self.patch) ** 2

    def ours(self) -> nn.Module:
        """Objective of `mae` on a `mae-vit` with one register."""
        catalogue = load_catalogue()
        name = f"mae-vit:width={self.width},depth={self.depth},heads={self.heads}"
        name += f",patch={self.patch},registers={self.registers}"
        encoder = catalogue.build("encoder", name, channels=1)
        options = f"mask={MASK},width={self.decoder_width},depth={self.decoder_depth}"
        return catalogue.build("pretraining", f"mae:{options}").objective(encoder, 1, {})

    def transformers(self, **more: Any) -> nn.Module:
        """ViTMAEForPreTraining."""
        peer = pytest.importorskip("transformers", reason="the peer transformers is not installed")
        return peer.ViTMAEForPreTraining(
            peer.ViTMAEConfig(
                hidden_size=self.width,
                num_hidden_layers=self.depth,
                num_attention_heads=self.heads,
                intermediate_size=4 * self.width,
                image_size=IMAGE,
                patch_size=self.patch,
                num_channels=1,
                decoder_hidden_size=self.decoder_width,
                decoder_num_hidden_layers=self.decoder_depth,
                decoder_num_attention_heads=4,
                decoder_intermediate_size=4 * self.decoder_width,
                mask_ratio=MASK,
                norm_pix_loss=True,
                layer_norm_eps=1e-5,
                **more,
            )
        )

    def lightly(self) -> nn.Module:
        """The masked autoencoder of lightly's documentation, with normalised pixels."""
        modules = pytest.importorskip(
            "lightly.models.modules", reason="the peer lightly is not installed"
        )
        return LightlyMAE(modules, self)


class LightlyMAE(nn.Module):
    """Encoder and decoder of lightly on a transformer of timm."""

    def __init__(self, modules: Any, size: Size) -> None:
        super().__init__()
        from timm.models.vision_transformer import VisionTransformer

        vit = VisionTransformer(
            img_size=IMAGE, patch_size=size.patch, in_chans=1, num_classes=0, embed_dim=size.width,
            depth=size.depth, num_heads=size.heads,
        )  # fmt: skip
        self.backbone = modules.MaskedVisionTransformerTIMM(vit=vit)
        self.decoder = modules.MaskedVisionTransformerDecoderTIMM(
            num_patches=size.length, embed_dim=size.decoder_width, depth=size.decoder_depth,
            num_heads=4,
        )  # fmt: skip
        self.into = nn.Linear(size.width, size.decoder_width)
        self.out = nn.Linear(size.decoder_width, size.patch**2)
        self.size = size

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Loss of a batch."""
        from lightly.models import utils

        count, length = len(images), self.size.length + 1
        keep, hide = utils.random_token_mask((count, length), MASK, device=images.device)
        encoded = self.into(self.backbone.encode(images=images, idx_keep=keep))
        tokens = utils.repeat_token(self.decoder.mask_token, (count, length))
        tokens = utils.set_at_index(tokens, keep, encoded.type_as(tokens))
        decoded = self.decoder.decode(self.decoder.add_pos_embed(tokens))
        answer = self.out(utils.get_at_index(decoded, hide))
        wanted = utils.get_at_index(utils.patchify(images, self.size.patch), hide - 1)
        return nn.functional.mse_loss(answer, utils.normalize_mean_var(wanted))


@dataclass(frozen=True)
class Sides:
    """What a bench compares."""

    sizes: dict[str, Size]

    def loss_of(
        self, side: str, size: Size, seed: int = 0
    ) -> tuple[nn.Module, Callable[[Samples], torch.Tensor]]:
        """A model and its loss of samples, whose images every side stretches."""
        random = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        model = getattr(size, side)().train()
        if side == "ours":
            return model, lambda samples: model(samples, random)
        if side == "transformers":
            return model, lambda samples: model(stretch(samples.images)).loss
        return model, lambda samples: model(stretch(samples.images))


@pytest.fixture(scope="session")
def sides() -> Sides:
    """Architectures by name."""
    return Sides(
        {
            "micro": Size(128, 4, 4, 64, 1),
            "micro-4": Size(128, 4, 4, 64, 1, patch=4),
            "tiny": Size(192, 12, 3, 96, 2),
            "small": Size(384, 12, 6, 192, 4),
        }
    )
