"""The files of a new plugin: what all kinds share, and what is of one kind.

A template is a file whose name ends in `.in`; `%word%` in its text, and `__module__` in its path,
are replaced. Each kind has a folder of templates and a `kind.toml` with what it says of itself.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from lensbench import __version__
from lensbench.api.entry import KINDS, Kind
from lensbench.compatibility import API_VERSION
from lensbench.errors import UsageError
from lensbench.registry import Catalogue
from lensbench.registry.discovery import HOOKS

PLUGIN_KINDS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "condition")
"""Kinds that have templates; a condition is one value, and needs none."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 32
_PLACEHOLDER = re.compile(r"%([a-z]+)%")


@dataclass(frozen=True)
class Project:
    """What was written.

    Attributes:
        folder: Of the project.
        files: Below it.
        run: The command that ranks the plugin.
    """

    folder: Path
    files: tuple[str, ...]
    run: str


def new_project(name: str, kind: Kind, folder: Path, catalogue: Catalogue) -> Project:
    """Writes a project that installs, passes its own tests and can be ranked at once.

    Args:
        name: Of the package and of the plugin: lower case, words joined by hyphens.
        kind: What it registers.
        folder: In which its folder, of this name, is made.
        catalogue: What is installed: another plugin of this kind and name is refused.

    Raises:
        UsageError: Where the name cannot be a package's or is taken, or the folder exists.
    """
    module = _checked(name, kind, catalogue)
    project = folder / name
    if project.exists():
        raise UsageError(f"{project} exists already", "choose another name or --out DIR")
    templates = {
        path.replace("__module__", module): text
        for room in ("common", kind)
        for path, text in _templates(files("lensbench.scaffold") / "templates" / room, "")
    }
    facts = tomllib.loads(templates.pop("kind.toml"))
    words = {
        "name": name,
        "module": module,
        "class": _class_name(name, kind, " ".join(templates.values())),
        "kind": kind,
        "hook": HOOKS[kind],
        "api": str(API_VERSION),
        "lensbench": __version__,
        "summary": facts["summary"],
        "citation": facts["citation"],
        "entry": f"{facts['entry']}\n" if facts["entry"] else "",
    }
    words["run"] = _filled(facts["run"], words)
    for path, text in templates.items():
        file = project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_filled(text, words), encoding="utf-8")
    return Project(project, tuple(sorted(templates)), words["run"])


def _checked(name: str, kind: Kind, catalogue: Catalogue) -> str:
    """The name of the module that goes with a package's name.

    Raises:
        UsageError: Where it is no name, or is another's.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UsageError(
            f"{name!r} is no name for a package, expected up to {_LONGEST} lower-case letters and "
            "digits, words joined by hyphens",
            "e.g. my-encoder",
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise UsageError(f"{name!r} is a word of Python", f"e.g. my-{name}")
    if (kind, name) in catalogue.entries:
        owner = catalogue.entries[kind, name].package
        raise UsageError(f"{kind} {name!r} is registered already by {owner}", f"e.g. my-{name}")
    found = importlib.util.find_spec(module)
    if found is not None and found.origin is not None:
        raise UsageError(
            f"module {module!r} is installed already: {found.origin}", f"e.g. my-{name}"
        )
    return module


def _class_name(name: str, kind: Kind, text: str) -> str:
    """`MyEncoder` for `my-encoder`; with its kind behind it where the templates use that word."""
    plain = "".join(word.capitalize() for word in name.split("-"))
    return plain + kind.capitalize() if re.search(rf"\b{plain}\b", text) else plain


def _templates(folder: Traversable, below: str) -> Iterator[tuple[str, str]]:
    """Path in the project and text of each template, and `kind.toml` where there is one."""
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _templates(item, f"{below}{item.name}/")
        elif item.name.endswith(".in") or item.name == "kind.toml":
            yield below + item.name.removesuffix(".in"), item.read_text(encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: words[found[1]], text)
