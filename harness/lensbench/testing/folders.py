"""Checks the package in a folder as if it were installed."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lensbench.errors import UsageError
from lensbench.files import parse_toml, read_document
from lensbench.registry.discovery import GROUP

_PROJECT = "pyproject.toml"


def is_folder(named: str) -> bool:
    """Whether a name is written as the path of a folder: `./name`, `/name`, `~/name` or `name/`."""
    return named.startswith((".", "~", os.sep)) or named.endswith(os.sep)


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[str]:
    """Makes the package in a folder importable inside, with the metadata of its `pyproject.toml`.

    Nothing is installed, and processes that are started inside see the package too. It comes before
    an installed package of the same name.

    Yields:
        The name of the package.

    Raises:
        UsageError: Where the folder has no package with plugins.
    """
    project = _project(folder)
    source = folder / "src" if (folder / "src").is_dir() else folder
    with tempfile.TemporaryDirectory(prefix="lensbench-") as facts:
        _write_facts(project, Path(facts))
        added = [facts, str(source.resolve())]
        search, paths = os.environ.get("PYTHONPATH"), list(sys.path)
        sys.path[:0] = added
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*added, search]))
        importlib.invalidate_caches()
        try:
            yield str(project["name"])
        finally:
            sys.path[:] = paths
            if search is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = search
            importlib.invalidate_caches()


def _project(folder: Path) -> Mapping[str, Any]:
    """The table `project` of a folder's `pyproject.toml`.

    Raises:
        UsageError: Where it is not there, or names no plugins.
    """
    file = folder / _PROJECT
    if not file.is_file():
        raise UsageError(
            f"{str(folder)!r} has no {_PROJECT}",
            "name a package or the folder of one",
        )
    try:
        project: Mapping[str, Any] = parse_toml(file, read_document(file).decode())["project"]
        name, points = project["name"], project["entry-points"][GROUP]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{str(file)!r} names no plugins: {error}",
            f'it needs [project] name and [project.entry-points.{GROUP}] NAME = "MODULE"',
        ) from None
    if not isinstance(name, str) or not isinstance(points, dict):
        raise UsageError(f"{str(file)!r}: project.name or its entry points have a wrong type")
    return project


def _write_facts(project: Mapping[str, Any], folder: Path) -> None:
    """Writes a `.dist-info` folder, as an installer does."""
    name, version = project["name"], project.get("version", "0")
    facts = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    licence = project.get("license")
    if isinstance(licence, str):
        lines.append(f"License-Expression: {licence}")
    elif licence:
        lines.append("License: in the table project.license")
    lines += [f"Author: {one.get('name', one.get('email'))}" for one in project.get("authors", ())]
    lines += [f"Classifier: {one}" for one in project.get("classifiers", ())]
    (facts / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    points = [f"{point} = {module}" for point, module in project["entry-points"][GROUP].items()]
    text = "\n".join([f"[{GROUP}]", *points]) + "\n"
    (facts / "entry_points.txt").write_text(text, encoding="utf-8")
