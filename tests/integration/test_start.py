"""Start-up, and plugins from outside."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def call(*words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-c", "from lensbench.cli import main; main()", *words]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


@pytest.mark.parametrize("words", [["--help"], ["list"], ["run", "--help"], ["--version"]])
def test_torch_is_not_imported(words):
    """What needs no computing imports nothing heavy."""
    code = (
        "import sys\nsys.argv[1:] = " + repr(words) + "\n"
        "from lensbench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as e:\n    assert not e.code\n"
        "heavy = {'torch', 'polars', 'h5py', 'sklearn', 'matplotlib', 'numpy', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


README = Path(__file__).resolve().parents[2] / "README.md"
PLUGIN = re.search(r"```python\n# my_encoder.py\n(.*?)```", README.read_text(), re.DOTALL)[1]


def install(folder, name: str, source: str) -> None:
    """Makes a package and installs it with pip below `folder`."""
    project = folder / f"{name}-source"
    project.mkdir()
    (project / f"{name}.py").write_text(source)
    (project / "pyproject.toml").write_text(
        textwrap.dedent(f"""
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [project]
        name = "{name.replace("_", "-")}"
        version = "1.2.3"
        [project.entry-points.lensbench]
        {name} = "{name}"
        [tool.hatch.build.targets.wheel]
        include = ["{name}.py"]
        """)
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--no-build-isolation", "--target", str(folder / "site"), str(project)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with a good and a broken plugin, installed by pip."""
    folder = tmp_path_factory.mktemp("plugins")
    install(folder, "my_encoder", PLUGIN)
    install(folder, "broken_plugin", "raise RuntimeError('no licence server')")
    return str(folder / "site")


def test_an_installed_encoder_is_listed_and_ranked(site, tmp_path):
    """The README's encoder: fifteen lines in a package of its own, no edit of the harness."""
    assert len([line for line in PLUGIN.splitlines() if line.strip()]) <= 15
    listed = call("list", "encoder", path=site)
    assert "tiny" in listed.stdout
    assert "my-encoder 1.2.3" in listed.stdout
    done = call(
        "run", "--encoder", "tiny", "--task", "superres", "--budget", "smoke", "--quiet",
        "--test-conditions", "euclid-vis", "--store", str(tmp_path), path=site,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "tiny + none + finetune" in done.stdout
    assert "bicubic" in done.stdout


def test_a_plugin_that_raises_on_import_harms_nobody_else(site):
    """`list` and `doctor` show it as broken with its error."""
    listed = call("list", path=site)
    assert listed.returncode == 0
    assert "mae-vit" in listed.stdout
    assert "broken: broken_plugin" in listed.stdout
    assert "no licence server" in listed.stdout
    doctor = call("doctor", path=site)
    assert doctor.returncode == 1
    assert "no licence server" in doctor.stdout
