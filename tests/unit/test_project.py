"""What the project says of itself, beside its code: dependencies, licences, containers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pinned(name: str) -> dict[str, Version]:
    """Versions of a constraints file."""
    lines = (ROOT / name).read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.lstrip().startswith("#")]
    return {canonicalize_name(package): Version(version) for package, version in pairs}


def wanted() -> list[Requirement]:
    """What lensbench and the extras that change what it does ask for."""
    named = ("hf", "index", "timm", "ray", "s3")
    extras = [PROJECT["optional-dependencies"][extra] for extra in named]
    return [Requirement(text) for text in sum(extras, PROJECT["dependencies"])]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_every_dependency_has_a_lowest_version(requirement):
    """One lower bound and no upper one; the newest that was tried satisfies it."""
    assert [one.operator for one in requirement.specifier] == [">="]
    assert pinned("constraints.txt")[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("text", PROJECT["dependencies"])
def test_the_oldest_versions_are_the_lowest_that_are_allowed(text):
    """`make test-oldest` tries what pyproject.toml promises."""
    requirement = Requirement(text)
    (bound,) = requirement.specifier
    oldest = pinned("constraints-oldest.txt")[canonicalize_name(requirement.name)]
    assert oldest == Version(bound.version)


def test_every_direct_dependency_states_a_licence():
    """The page of licences is what installed packages state, and no licence is empty."""
    folder = ROOT / "docs" / "reference"
    listed = subprocess.check_output([sys.executable, folder / "licences.py"], text=True)
    assert listed == (folder / "licences.md").read_text()
    named = dict(re.findall(r"^\| ([\w.-]+) \| (.*) \|$", listed, re.MULTILINE))
    assert {canonicalize_name(one.name) for one in wanted()} <= set(map(canonicalize_name, named))
    assert all(named.values())


def test_containers_follow_the_makefile():
    """What they call is a target, and no image is of another Python than the lowest allowed."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    called = re.findall(r"make ([a-z]\w*)$", dockerfile + container["postCreateCommand"], re.M)
    assert called == ["install", "develop"]
    for target in called:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert re.findall(r"^FROM python:([\d.]+)", dockerfile, re.M) == [lowest]
    assert container["image"].startswith(f"python:{lowest}-")
