"""The base class that the contracts of all kinds of plugins share."""

from __future__ import annotations

from typing import Any, ClassVar


class Plugin:
    """Base of every plugin class but conditions, which are values.

    The harness reads a contract's attributes as they are: what a class leaves out has the default
    of its contract.

    Attributes:
        Options: Dataclass of the plugin's options. The class is called with an instance of it, or
            without one where this is `None`.
        positional: Name of the option that takes a first value without a key, as in
            `timm:resnet50`; empty where every option needs its key.
    """

    Options: ClassVar[Any] = None
    positional: ClassVar[str] = ""
