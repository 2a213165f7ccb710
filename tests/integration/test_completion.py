"""What a shell completes, asked as a shell asks."""

import shutil
import subprocess

import pytest


@pytest.fixture
def complete(clean):
    """The words that the command offers for a line that was begun."""

    def call(line: str) -> set[str]:
        words = line.split(" ")
        done = clean.call(
            "lensbench",
            _LENSBENCH_COMPLETE="bash_complete",
            COMP_WORDS=line,
            COMP_CWORD=str(len(words) - 1),
        )
        assert done.returncode == 0, done.stderr
        offered = filter(None, done.stdout.splitlines())
        return {word.partition(",")[2] for word in offered}

    return call


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("lensbench plu", {"plugin"}),
        ("lensbench leaderboard com", {"compare"}),
        ("lensbench run --encoder mae", {"mae-vit"}),
        ("lensbench run --encoder mae-vit --task mor", {"morphology"}),
        ("lensbench run --baseline bic", {"bicubic"}),
        ("lensbench pretrain --pretraining sim", {"simclr"}),
        ("lensbench data make --conditions hst-acs,euclid-v", {"hst-acs,euclid-vis"}),
        ("lensbench show euclid-v", {"euclid-vis"}),
        ("lensbench run --task no-such", set()),
    ],
)
def test_names_are_completed(complete, line, offered):
    """Verbs, and the names of plugins of the kind that an option asks for."""
    assert complete(line) == offered


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_takes_the_script(clean):
    """The line of the how-to makes bash complete a task."""
    script = """
    eval "$(_LENSBENCH_COMPLETE=bash_source lensbench)"
    complete -p lensbench > /dev/null || exit 3
    COMP_WORDS=(lensbench run --task superr); COMP_CWORD=3
    _lensbench_completion lensbench superr --task
    echo "${COMPREPLY[@]}"
    """
    path = f"{clean.folder / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True, text=True, check=False, env={"PATH": path}, cwd=clean.home,
    )  # fmt: skip
    assert done.stdout.strip() == "superres", done.stderr
