"""The Hugging Face hub: folders of files that become one commit of a dataset repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lensbench.errors import LensbenchError, RunError

_DATASET = re.compile(r"hf://datasets/([\w.-]{1,96}/[\w.-]{1,96})/?")


def repository_of(target: str) -> str | None:
    """`OWNER/NAME` where a target has the form `hf://datasets/OWNER/NAME`."""
    found = _DATASET.fullmatch(target)
    return found[1] if found else None


def upload(
    folder: Path, repository: str, message: str, replaced: Sequence[str], client: Any = None
) -> None:
    """Makes one commit of a folder in a dataset repository, which is made where it lacks.

    Args:
        folder: What is uploaded.
        repository: `OWNER/NAME`.
        message: Of the commit.
        replaced: Patterns of older files that go in the same commit, so that no reader meets
            half of each.
        client: The hub's client, as `huggingface_hub.HfApi`; made where none is given.

    Raises:
        RunError: Where the hub refuses, with its reason.
    """
    if client is None:
        from huggingface_hub import HfApi

        client = HfApi()
    try:
        client.create_repo(repo_id=repository, repo_type="dataset", exist_ok=True)
        client.upload_folder(
            folder_path=str(folder),
            repo_id=repository,
            repo_type="dataset",
            commit_message=message,
            delete_patterns=list(replaced),
        )
    except LensbenchError:
        raise
    except Exception as error:  # of the hub's client, of requests, of the network
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(
            f"the hub did not take {repository}: {reason}", "log in with the command hf auth login"
        ) from error
