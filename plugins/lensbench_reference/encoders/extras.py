"""Packages and files that only some encoders need: found where they are, never downloaded."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from lensbench import DataError, IncompatibleError


def package(name: str, encoder: str, extra: str) -> Any:
    """An optional package, imported.

    Raises:
        IncompatibleError: Where it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise IncompatibleError(
            f"encoder {encoder!r} needs the package {name}, which cannot be imported: {error}",
            f"pip install 'lensbench[{extra}]'",
        ) from None


def hub_folder(repository: str) -> Path:
    """The folder of a Hugging Face repository that was downloaded before.

    Raises:
        DataError: Where it was not.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (OSError, ValueError, HFValidationError):
        raise DataError(
            f"{repository!r} is neither a folder nor a downloaded repository",
            f"check the path, or download it once: hf download {repository}",
        ) from None
