"""The layers of an encoder in the order in which an image meets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from lensbench import LayeredEncoder


def rates_by_layer(encoder: Any, decay: float, prefix: str) -> Mapping[str, float]:
    """Learning rates of an encoder's parameters by name, the head's being one.

    Of L layers the last has `decay`, the one before it its square, and so on to the first, as
    in Clark et al. 2020 (arXiv:2003.10555) and He et al. 2021 (arXiv:2111.06377). Parameters
    that belong to no layer, such as registers and positions, have the rate of the first.

    Args:
        encoder: Where it has a method `layers()` that gives its modules from input to output,
            these are the layers; else `layers_of` finds them.
        decay: Ratio of the rates of neighbouring layers.
        prefix: Before each name.
    """
    layers = list(encoder.layers()) if isinstance(encoder, LayeredEncoder) else layers_of(encoder)
    depth = {
        id(parameter): number
        for number, layer in reversed(list(enumerate(layers)))
        for parameter in layer.parameters()
    }
    return {
        prefix + name: decay ** (len(layers) - depth.get(id(parameter), 0))
        for name, parameter in encoder.named_parameters()
    }


def layers_of(encoder: nn.Module) -> Sequence[nn.Module]:
    """Children with parameters in the order of their definition, lists of modules taken apart.

    A module that has one child and nothing else is looked into: adapters wrap whole models so.
    """
    children = _with_parameters(encoder)
    while len(children) == 1 and next(encoder.parameters(recurse=False), None) is None:
        encoder = children[0]
        children = _with_parameters(encoder)
    if not children:
        return [encoder]
    return [layer for child in children for layer in _taken_apart(child)]


def _taken_apart(child: nn.Module) -> Iterator[nn.Module]:
    if isinstance(child, nn.ModuleList | nn.Sequential):
        yield from _with_parameters(child)
    else:
        yield child


def _with_parameters(module: nn.Module) -> list[nn.Module]:
    return [child for child in module.children() if next(child.parameters(), None) is not None]
