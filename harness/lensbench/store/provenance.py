"""From which checkout code ran."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
from pathlib import Path


@functools.cache
def checkout(package: str) -> str:
    """Commit of the git checkout from which a package runs, and whether files differ from it.

    Empty for one that is installed as a copy, and where there is no git. Neither the folder nor
    anybody's name is told.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or "site-packages" in Path(spec.origin).parts:
        return ""
    folder = Path(spec.origin).parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return ""
    return f"{commit} (changed)" if _git(folder, "status", "--porcelain", "-uno") else commit


def _git(folder: Path, *words: str) -> str:
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return ended.stdout.strip()
