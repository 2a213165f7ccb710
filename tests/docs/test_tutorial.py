"""The tutorial, done by a newcomer: each command in a shell, in an empty folder and environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT, blocks_of
from tests.docs.test_blocks import agrees
from tests.pages import entrants_of

PAGE = ROOT / "docs" / "tutorial.md"
COMMANDS = {
    "lensbench": "lensbench.cli:main",
    "pip": "pip._internal.cli.main:main",
    "pytest": "pytest:console_main",
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One that has what this one has, and takes what is installed into it; no index is asked."""
    made = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    (site,) = made.glob("lib/*/site-packages")
    parents = [path for path in sys.path if path.endswith("site-packages")]
    (site / "parents.pth").write_text(
        "\n".join(f"import site; site.addsitedir({path!r})" for path in parents)
    )
    for name, target in COMMANDS.items():
        module, _, function = target.partition(":")
        script = made / "bin" / name
        script.write_text(
            f"#!{made / 'bin' / 'python'}\n"
            f"import sys\nfrom {module} import {function}\n"
            f"if __name__ == '__main__':\n    sys.exit({function}())\n"
        )
        script.chmod(0o755)
    return os.environ | {
        "PATH": f"{made / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(str(ROOT / room) for room in ("harness", "plugins")),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "OMP_NUM_THREADS": "1",
    }


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path, environment):
    """Every command ends well and prints what the page shows; the board is there and verified."""
    home = tmp_path / "home"
    home.mkdir()
    for block in blocks_of(PAGE):
        if block.reason:
            continue
        if block.file:
            path = home / block.file
            assert path.exists() == (block.language == "python"), f"{block}: {path}"
            path.write_text(block.text + "\n")
        for command in block.commands if block.language == "console" else ():
            done = subprocess.run(
                ["bash", "-c", command.text], cwd=home, env=environment, capture_output=True,
                text=True, check=False,
            )  # fmt: skip
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"{block}: {command.text}\n{said}"
            assert agrees(command.output, said), f"{block}: {command.text}\n{said}"
    entrants = entrants_of(home / "board" / "index.html")
    assert any(entrant.startswith("my-encoder") for entrant in entrants)
    manifest = (home / "board" / "manifest.json").read_text()
    assert all(f'"{tier}"' in manifest for tier in ("re-scored", "re-run", "fresh"))
