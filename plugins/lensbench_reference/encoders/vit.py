"""A vision transformer whose patches can be left out, as masked autoencoding needs."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from lensbench import (
    RING_FEATURES,
    DataError,
    Encoder,
    Features,
    SkyView,
    log_ring_power,
    ring_amplitudes,
)
from lensbench_reference.encoders.vit_options import (
    Architecture,
    VisionTransformerOptions,
    architecture,
)
from lensbench_reference.encoders.weights import digest_of, load_into, stored_shapes
from lensbench_reference.transformer import Block, patches_of


class VisionTransformer(Encoder, nn.Module):
    """Patches, fixed sine-cosine positions and pre-norm transformer blocks.

    Images are first resampled to one pixel scale (`SkyView`). What is pooled tells the middle from
    the rest, and has the amplitudes of rings about the centre beside it, which need no weights.

    Positions are in patches from the image's centre, so that any size works and a lens in the
    middle is at the same place whatever the field. Registers are learned tokens that belong to no
    patch and are dropped at the end (Darcet et al. 2023, arXiv:2309.16588). With
    `condition=true` a small network of the condition's vector is added to every token; it is
    zero at the start.
    """

    Options = VisionTransformerOptions
    views = ("pixel", "field", "rings")

    def __init__(self, options: VisionTransformerOptions, channels: int) -> None:
        super().__init__()
        built = architecture(options)
        if options.file:
            _check_stored(built, options.file)
        self.patch = built.patch
        self.width = built.width
        self.view = SkyView(options.pixel, options.field) if options.pixel else None
        self.rings = options.rings
        self.unlearned = RING_FEATURES if options.rings else 0
        self.resamples = self.view is not None
        self.uses_condition = built.condition or self.view is not None
        self.embed = nn.Linear(channels * built.patch**2, built.width)
        self.condition = ConditionEmbedding(built.width) if built.condition else None
        registers = nn.Parameter(0.02 * torch.randn(built.registers, built.width))
        self.registers = registers if built.registers else None
        self.blocks = nn.ModuleList(
            Block(built.width, built.heads, built.mlp_ratio) for _ in range(built.depth)
        )
        self.norm = nn.LayerNorm(built.width)
        if options.file:
            load_into(self, options.file, {"embed.weight": functools.partial(_for_bands, channels)})

    @staticmethod
    def digest(options: VisionTransformerOptions) -> str:
        """SHA-256 of the file of weights; empty where they are random."""
        return digest_of(options.file) if options.file else ""

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Features:
        """What is pooled of the middle, of the rest and of rings, and the tokens as one map."""
        seen = images if self.view is None else self.view(images, condition)
        rows, columns = seen.shape[2] // self.patch, seen.shape[3] // self.patch
        tokens = self.tokens(seen, condition=condition)
        pooled = [self.pool(tokens[:, part]) for part in _middle_and_rest(rows, columns)]
        if self.rings:
            flat = seen.mean(1)
            pooled += [log_ring_power(flat), ring_amplitudes(flat)]
        grid = tokens.transpose(1, 2).unflatten(2, (rows, columns))
        if self.view is not None:
            grid = self.view.back(grid, (images.shape[2], images.shape[3]), condition)
        return Features(torch.cat(pooled, 1), (grid,))

    def pool(self, tokens: Tensor) -> Tensor:
        """Mean and scatter (B, 2 × width) of tokens (B, K, width) over the patches.

        The scatter is 0.01 at least, where its slope stays finite; a single patch has that one.
        Without a patch all are zero.
        """
        if not tokens.shape[1]:
            return tokens.new_zeros(len(tokens), 2 * tokens.shape[2])
        scatter = (tokens.var(1, correction=0) + 1e-4).sqrt()
        return torch.cat([tokens.mean(1), scatter], 1)

    def tokens(
        self, images: Tensor, keep: Tensor | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """Encoded patches (B, K, width) of the kept indices (B, K), or of all.

        Args:
            images: (B, C, H, W), as `view` gives them.
            keep: Indices of patches, row by row; only these are looked at.
            condition: The condition's vector (3,) or (B, 3); nothing is added without one.
        """
        rows, columns = images.shape[2] // self.patch, images.shape[3] // self.patch
        patches = patches_of(images, self.patch)
        positions = _positions(rows, columns, self.width, images.device, images.dtype)
        if keep is not None:
            patches = patches.gather(1, keep[..., None].expand(-1, -1, patches.shape[2]))
            positions = positions[keep]
        tokens = self.embed(patches) + positions
        if self.condition is not None and condition is not None:
            tokens = tokens + self.condition(condition)
        count = tokens.shape[1]
        if self.registers is not None:
            tokens = torch.cat([tokens, self.registers.expand(len(tokens), -1, -1)], 1)
        for block in self.blocks:
            tokens = block(tokens)
        encoded: Tensor = self.norm(tokens[:, :count])
        return encoded

    def positions(self, rows: int, columns: int, spacing: float = 1.0) -> Tensor:
        """Position codes (rows × columns, width) of a grid of patches.

        Args:
            rows, columns: Of the grid.
            spacing: Side of its patches, in those of the images that the encoder looks at.
        """
        weight = self.norm.weight
        return _positions(rows, columns, self.width, weight.device, weight.dtype, spacing)


def _check_stored(built: Architecture, path: Path) -> None:
    """Refuses weights of another depth, width or number of registers before a model is built.

    What such a file says of itself could ask for any amount of memory.

    Raises:
        DataError: Naming what differs.
    """
    hint = "give the options that these weights were made with"
    shapes = stored_shapes(path)
    stored = {name.split(".")[1] for name in shapes if name.startswith("blocks.")}
    if built.depth > len(stored):
        raise DataError(
            f"weights {path} have no tensor 'blocks.{len(stored)}…': depth is {built.depth}", hint
        )
    with torch.device("meta"):
        block = Block(built.width, built.heads, built.mlp_ratio)
    bands = shapes.get("embed.weight", (0, 0))[1:]
    expected = {"embed.weight": (built.width, *bands)}
    expected |= {f"blocks.0.{name}": tuple(t.shape) for name, t in block.state_dict().items()}
    if built.registers:
        expected["registers"] = (built.registers, built.width)
    for name, shape in expected.items():
        if name not in shapes:
            raise DataError(f"weights {path} have no tensor {name!r} {shape}", hint)
        if shapes[name] != shape:
            raise DataError(
                f"weights {path}: tensor {name!r} has shape {shapes[name]}, expected {shape}", hint
            )


@functools.lru_cache(maxsize=16)
def _middle_and_rest(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Indices of the patches within a quarter of the shorter side from the centre, and others."""
    with torch.inference_mode(False):
        y, x = torch.arange(rows) - (rows - 1) / 2, torch.arange(columns) - (columns - 1) / 2
        inner = (torch.hypot(y[:, None], x[None]) < min(rows, columns) / 4).flatten()
        return inner.nonzero()[:, 0], (~inner).nonzero()[:, 0]


def _for_bands(channels: int, weight: Tensor, expected: Tensor) -> Tensor:
    """The embedding's weight of one band, shared among so many that their mean is looked at."""
    if weight.shape[1] * channels == expected.shape[1]:
        return weight.repeat(1, channels) / channels
    return weight


class ConditionEmbedding(nn.Module):
    """The condition's vector (3,) or (B, 3) to (1 or B, 1, width), zero at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, width), nn.GELU(), nn.Linear(width, width))
        for parameter in self.body[2].parameters():
            nn.init.zeros_(parameter)

    def forward(self, condition: Tensor) -> Tensor:
        """A token's width for each condition."""
        embedded: Tensor = self.body(condition.reshape(-1, 3))[:, None]
        return embedded


def sine_cosine_positions(rows: int, columns: int, width: int, spacing: float = 1.0) -> Tensor:
    """Codes (rows × columns, width): a quarter each of sine and cosine of either coordinate."""
    quarter = width // 4
    rates = torch.exp(-math.log(1000.0) * torch.arange(quarter) / max(1, quarter - 1))
    y = spacing * (torch.arange(rows) - (rows - 1) / 2)
    x = spacing * (torch.arange(columns) - (columns - 1) / 2)
    angle_y = (y[:, None] * rates).repeat_interleave(columns, 0)
    angle_x = (x[:, None] * rates).repeat(rows, 1)
    codes = torch.cat([angle_y.sin(), angle_y.cos(), angle_x.sin(), angle_x.cos()], 1)
    return nn.functional.pad(codes, (0, width - codes.shape[1]))


@functools.lru_cache(maxsize=128)
def _positions(
    rows: int,
    columns: int,
    width: int,
    device: torch.device,
    dtype: torch.dtype,
    spacing: float = 1.0,
) -> Tensor:
    """`sine_cosine_positions` where and as they are needed, made once."""
    with torch.inference_mode(False):
        return sine_cosine_positions(rows, columns, width, spacing).to(device, dtype)
