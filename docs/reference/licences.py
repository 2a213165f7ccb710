"""Lists the licences of what lensbench needs: python docs/reference/licences.py > …/licences.md."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("hf", "timm", "index", "measure", "ray", "s3")
_SPELT = {
    "apache software license": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "mit license": "MIT",
    "bsd license": "BSD",
    "python software foundation license": "PSF-based",
}


def direct(extra: str = "") -> list[str]:
    """Names of the packages that lensbench, or one of its extras, asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return sorted(Requirement(text).name.lower() for text in asked)


def licence_of(package: str) -> str:
    """The licence that an installed package states: as SPDX, in a word, or by its classifier.

    Empty where it states none.
    """
    stated = importlib.metadata.metadata(package)
    if stated["License-Expression"]:
        return str(stated["License-Expression"])
    found = [
        text.rpartition(" :: ")[2]
        for text in stated.get_all("Classifier") or ()
        if text.startswith("License ::")
    ]
    text = str(stated["License"] or "").strip()
    words = [text] if text and len(text) <= 24 else []
    named = next(iter([*words, *found]), "")
    return _SPELT.get(named.lower(), named)


def lines() -> Iterator[str]:
    """The page."""
    yield "# Licences of dependencies"
    yield ""
    yield "What installed packages state of themselves. lensbench is MIT and contains none of them;"
    yield "`make sbom` lists all that is installed, with what these need in turn, as CycloneDX."
    for extra in ("", *EXTRAS):
        yield ""
        yield f"## {f'Extra `{extra}`' if extra else 'Always installed'}"
        yield ""
        yield "| package | licence |"
        yield "|---|---|"
        for package in direct(extra):
            yield f"| {package} | {re.sub(r'[|]', '/', licence_of(package))} |"


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201
