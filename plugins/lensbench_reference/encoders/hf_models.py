"""Vision models of transformers, from a folder, as encoders."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lensbench import DataError, Encoder, Features, OptionError
from lensbench_reference.encoders.extras import hub_folder, package
from lensbench_reference.encoders.resizing import resized
from lensbench_reference.encoders.weights import digest_of, stored_shapes

_SPARE = 10_000_000
"""Numbers that a model may have beyond twice those of its file: a pooler, say."""

IMPORTED_BY_NAME = ("transformers",)


class HuggingFaceEncoder(Encoder, nn.Module):
    """A vision model of transformers (Wolf et al. 2019): ViT, ViT-MAE, DINOv2, ConvNeXt and such.

    Images of another number of bands than the model's are given as their mean in every band. Sides
    are interpolated to the next multiple of the model's patch or stride, two at least; position
    codes are interpolated by the model. A model of ViT-MAE sees all patches.
    """

    positional = "path"

    @dataclass(frozen=True)
    class Options:
        """Options of `hf`.

        Attributes:
            path: A folder with `config.json` and `model.safetensors`, or the name of a
                repository on the hub that was downloaded before.
            pooled: Which vector represents the image: the mean of the patches, or the class
                token of models that have one.
        """

        path: str
        pooled: Literal["mean", "cls"] = "mean"

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.pooled = options.pooled
        self.body = _load(_folder(options.path))
        config = self.body.config
        self.channels = getattr(config, "num_channels", 3)
        self.stride = _stride(config)
        parameters = inspect.signature(self.body.forward).parameters
        self.any_size = "interpolate_pos_encoding" in parameters
        self.masks = "noise" in parameters

    @staticmethod
    def digest(options: Options) -> str:
        """SHA-256 of the folder's configuration and weights."""
        folder = _folder(options.path)
        return digest_of(folder / "config.json", *sorted(folder.glob("*.safetensors")))

    def forward(self, images: Tensor) -> Features:
        """The mean of the patches or the class token, and the maps, coarse to fine."""
        if images.shape[1] != self.channels:
            images = images.mean(1, keepdim=True).expand(-1, self.channels, -1, -1)
        rows, columns = (max(2, -(-side // self.stride)) for side in images.shape[2:])
        images = resized(images, rows * self.stride, columns * self.stride)
        given: dict[str, Any] = {"interpolate_pos_encoding": True} if self.any_size else {}
        if self.masks:  # the order of patches is that of this noise
            count = torch.arange(rows * columns, device=images.device, dtype=images.dtype)
            given["noise"] = count.expand(len(images), -1)
        output = self.body(pixel_values=images, output_hidden_states=True, **given)
        last = output.last_hidden_state
        if last.ndim == 4:
            return _of_stages(last, output.hidden_states)
        patches = last[:, last.shape[1] - rows * columns :]
        pooled = last[:, 0] if self.pooled == "cls" else patches.mean(1)
        grid = patches.transpose(1, 2).unflatten(2, (rows, columns))
        return Features(pooled, (grid,))


def _of_stages(last: Tensor, hidden: Sequence[Tensor]) -> Features:
    """Features of a model whose hidden states are maps (B, D, H, W), one kept for each size."""
    by_side = {one.shape[-1]: one for one in (*hidden, last)}
    return Features(last.mean((2, 3)), tuple(by_side[side] for side in sorted(by_side)))


def _folder(path: str) -> Path:
    return Path(path) if Path(path).is_dir() else hub_folder(path)


def _load(folder: Path) -> Any:
    """The model of a folder, in single precision.

    Raises:
        DataError: Where the folder has no model, or not all of its weights.
    """
    transformers = package("transformers", "hf", "hf")
    try:
        with _quiet(transformers.utils.logging):
            config = transformers.AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            _check_size(transformers, config, folder)
            if hasattr(config, "mask_ratio"):
                config.mask_ratio = 0.0
            model, found = transformers.AutoModel.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, ValueError, LookupError, RuntimeError, TypeError, AttributeError) as error:
        said = next(filter(None, str(error).splitlines()), type(error).__name__)
        raise DataError(
            f"{folder} has no model of transformers: {said}",
            "name a folder with config.json and model.safetensors",
        ) from None
    missing = sorted(key for key in found["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise DataError(
            f"{folder} lacks {len(missing)} tensors of {type(model).__name__}: {missing[0]!r} …",
            "save the model with save_pretrained",
        )
    return model


def _check_size(transformers: Any, config: Any, folder: Path) -> None:
    """Refuses a configuration that asks for a far larger model than its weights are of.

    Raises:
        DataError: Naming both sizes.
    """
    shapes = stored_shapes(*sorted(folder.glob("*.safetensors")))
    layers = max(getattr(config, "num_hidden_layers", 0) or 0, sum(getattr(config, "depths", ())))
    if layers > len(shapes):
        raise DataError(
            f"{folder} has {len(shapes)} tensors for a model of {layers} layers",
            "config.json is of another model than the weights",
        )
    with torch.device("meta"):
        model = transformers.AutoModel.from_config(config, trust_remote_code=False)
    wanted = sum(parameter.numel() for parameter in model.parameters())
    stored = sum(math.prod(shape) for shape in shapes.values())
    if wanted > _SPARE + 2 * stored:
        raise DataError(
            f"{folder} has weights of {stored} numbers for a model of {wanted}",
            "config.json is of another model than the weights",
        )


@contextlib.contextmanager
def _quiet(logging: Any) -> Iterator[None]:
    """Neither progress bars nor reports of what a checkpoint has beside the encoder."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _stride(config: Any) -> int:
    """Side of the coarsest cell [pixels]: the patch, halved in size between stages."""
    patch = getattr(config, "patch_size", None)
    if patch is None and hasattr(config, "hidden_sizes"):  # a residual network
        return 32
    if not isinstance(patch, int) or hasattr(config, "window_size"):
        raise OptionError(
            f"{type(config).__name__} of transformers is of no kind that encoder 'hf' can call",
            "take ViT, ViT-MAE, DINOv2, ConvNeXt or ResNet, or timm's model of that name",
        )
    return patch * 2 ** (len(config.depths) - 1) if hasattr(config, "depths") else patch
