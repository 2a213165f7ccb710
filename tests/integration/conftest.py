"""Distributions of this tree, and environments of their own to install them into."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Environment:
    """A virtual environment that has the dependencies of the tests, and no lensbench.

    pip and pytest are called as `python -m pip` and `python -m pytest`.

    Attributes:
        folder: Where it lies.
        home: An empty folder, in which commands are called by default.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder.with_name(folder.name + "-home")
        self.home.mkdir()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        dependencies = folder / "dependencies"
        dependencies.mkdir()
        for path in _dependencies():
            (dependencies / path.name).symlink_to(path)
        (self.site / "dependencies.pth").write_text(f"{dependencies}\n")

    @property
    def site(self) -> Path:
        """Where packages are installed."""
        named = {"base": str(self.folder), "platbase": str(self.folder)}
        return Path(sysconfig.get_path("purelib", "venv", vars=named))

    def call(
        self, *words: object, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Calls a command of this environment, such as `lensbench` or `python`."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LENSBENCH"))}
        commands = self.folder / "bin"
        kept |= {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.home)}
        kept |= {"LENSBENCH_WORKERS": "0"}
        return subprocess.run(
            [commands / str(words[0]), *map(str, words[1:])],
            capture_output=True, text=True, check=False, cwd=cwd or self.home, env=kept | variables,
        )  # fmt: skip

    def install(self, *wanted: object) -> None:
        """Installs by pip, from this machine alone."""
        words = ("--quiet", "--no-index", "--no-build-isolation")
        done = self.call("python", "-m", "pip", "install", *words, *wanted)
        assert done.returncode == 0, done.stderr


def _dependencies() -> Iterator[Path]:
    """What the environment of the tests has installed, pip among it, but for lensbench."""
    for kind in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(kind).iterdir():
            own = path.name.startswith(("lensbench-", "__editable__", "__pycache__"))
            if not own and path.suffix != ".pth":
                yield path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this tree."""
    folder = tmp_path_factory.mktemp("distributions")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The wheel of this tree."""
    (found,) = distributions.glob("lensbench-*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(distributions: Path) -> Path:
    """The source distribution of this tree."""
    (found,) = distributions.glob("lensbench-*.tar.gz")
    return found


@pytest.fixture(scope="session")
def make_environment(
    tmp_path_factory: pytest.TempPathFactory, wheel: Path
) -> Callable[..., Environment]:
    """Makes an environment with the wheel of this tree, and whatever else is named."""

    def make(*wanted: object) -> Environment:
        environment = Environment(tmp_path_factory.mktemp("environment") / "venv")
        environment.install(wheel, *wanted)
        return environment

    return make


@pytest.fixture(scope="session")
def clean(make_environment: Callable[..., Environment]) -> Environment:
    """An environment with the wheel of this tree alone, shared by all tests that only read it."""
    return make_environment()
