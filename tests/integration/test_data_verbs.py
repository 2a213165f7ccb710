"""The verbs of `lensbench data`, as a user calls them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.killing import killed_when

from lensbench.errors import UsageError

SHARED = Path(
    os.environ.get("LENSBENCH_TEST_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data"
)
FOLDERS = (
    "real/lenses", "real/quads", "real/galaxies", "real/as_found", "real", "deeplense",
    "deeplense/model_I", "deeplense/model_II",
)  # fmt: skip
needs_shared = pytest.mark.skipif(
    not SHARED.exists(), reason=f"no data for tests at {SHARED}; set LENSBENCH_TEST_DATA"
)
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
CALL = [sys.executable, "-c", "from lensbench.cli import main; main()", "data"]


def call(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs `lensbench data …` and checks how it exits."""
    done = subprocess.run(
        [*CALL, *map(str, words)], capture_output=True, text=True, check=False, env=ONE_THREAD
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def in_process(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Runs a verb without a new interpreter; what it printed to stdout."""
    from lensbench.cli.data import command

    command.main([str(word) for word in words], standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("scenes", [2, 3], ids=["no vortex", "one vortex"])
def test_a_range_is_of_the_scenes_that_have_the_number(tmp_path, capsys, scenes):
    """And where none has it that is told, not a range from NaN to NaN; in JSON by null."""
    made = tmp_path / "lenses.h5"
    words = ("make", "--conditions", "rubin-r", "--n", scenes, "--out", made, "--quiet")
    in_process(capsys, *words)
    shown = in_process(capsys, "inspect", made, "--quiet")
    (told,) = json.loads(in_process(capsys, "inspect", made, "--quiet", "--json"))
    found = told["values"]["vortex_half_length"]
    assert ("vortex_half_length of no image\n" in shown) == (found is None) == (scenes == 2)
    assert found is None or found[0] == found[1] > 0
    assert "nan" not in shown


@needs_shared
@pytest.mark.parametrize("folder", FOLDERS)
def test_inspect_and_preview_real_data(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every folder of the shared data can be inspected and previewed."""
    shown = json.loads(in_process(capsys, "inspect", SHARED / folder, "--json", "--quiet"))
    assert shown and all(one["images"] > 0 and not one["errors"] for one in shown)
    assert all(one["use"] or one["convert"] for one in shown)
    out = tmp_path / "sheet.png"
    in_process(capsys, "preview", SHARED / folder, "--out", out, "--quiet")
    assert out.read_bytes().startswith(b"\x89PNG")


@needs_shared
def test_release_is_named_and_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The release's Model II is recognised, and convert reads its pickles and keeps each mass."""
    folder = SHARED / "deeplense" / "model_II"
    shown = json.loads(in_process(capsys, "inspect", folder, "--json", "--quiet"))[0]
    assert shown["layout"] == "deeplense-class-folders"
    assert shown["pickled"] == 60
    assert shown["use"] == "" and "lensbench data convert" in shown["convert"]
    out = tmp_path / "model_II.h5"
    in_process(capsys, "convert", folder, out, "--quiet")
    after = json.loads(in_process(capsys, "inspect", out, "--json", "--quiet"))[0]
    assert after["classes"] == {"vortex": 60, "cdm": 60, "no_sub": 60}
    low, high = after["values"]["mass"]
    assert 1e-24 < low < high < 1e-22


@needs_shared
def test_as_found_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """Eight bands of three instruments are found in one file, with its real traps."""
    shown = json.loads(
        in_process(capsys, "inspect", SHARED / "real" / "as_found", "--json", "--quiet")
    )[0]
    assert len(shown["conditions"]) == 8
    assert shown["noise_maps"] == 8
    assert shown["defects"]["noise_sentinel"]["examples"][0].endswith("#VIS")
    assert shown["defects"]["psf_sum"]["count"] == 3


@pytest.mark.parametrize("verb", ["inspect", "preview", "convert"])
def test_bad_file_is_one_line(verb: str, tmp_path: Path) -> None:
    """A web page for data: one line and a hint, exit 2, no traceback, and no file left behind."""
    bad = tmp_path / "a.fits"
    bad.write_text("<!DOCTYPE html><html></html>")
    out = {"preview": ("--out", tmp_path / "o.png"), "convert": (tmp_path / "o.h5",)}
    done = call(verb, bad, *out.get(verb, ()), code=2)
    assert done.stdout == ""
    first, hint = done.stderr.strip().splitlines()
    assert first.startswith("error: ") and "a.fits" in first
    assert hint.startswith("hint: ")
    assert sorted(tmp_path.iterdir()) == [bad]


def test_json_is_alone_on_stdout(tmp_path: Path) -> None:
    """With --json stdout carries one JSON document, and progress goes to stderr."""
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(9, 16, 16)))
    done = call("inspect", tmp_path / "a.npy", "--json")
    assert json.loads(done.stdout)[0]["images"] == 9
    assert "reading" in done.stderr


def test_options_of_a_condition_stay_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commas between options divide no conditions."""
    conditions = "custom:base=rubin-r,psf=gaussian,psf_fwhm=0.4,des-r"
    out = tmp_path / "made.h5"
    words = ("--n", 2, "--conditions", conditions, "--out", out, "--quiet", "--json")
    made = json.loads(in_process(capsys, "make", *words))
    assert made["conditions"] == ["custom:base=rubin-r,psf=gaussian,psf_fwhm=0.4", "des-r"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--dataset", "lense"), "unknown dataset"),
        (("--conditions", "euclid"), "unknown condition"),
        (("--conditions", "des-r,des-r"), "occurs twice"),
        (("--split", "tests"), "unknown split"),
        (("--n", "0"), "less than one"),
    ],
)
def test_make_mistakes(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in the call is refused before anything is written."""
    default = () if words[0] == "--n" else ("--n", "5")
    with pytest.raises(UsageError, match=message) as caught:
        in_process(capsys, "make", *words, *default, "--out", tmp_path / "a.h5")
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_make_survives_sigkill(tmp_path: Path) -> None:
    """Killed without warning, `data make` leaves no file; repeated, it gives the same bytes."""
    (tmp_path / "images").mkdir()
    for i in range(200):
        pixels = np.random.default_rng(i).normal(size=(12, 12))
        pixels[5:8, 5:8] += 50
        np.save(tmp_path / "images" / f"{i:03d}.npy", pixels)
    dataset = f"images:path={tmp_path / 'images'},pixel_scale=0.05"
    words = ("make", "--dataset", dataset, "--split", "test", "--n", "200", "--quiet",
             "--conditions", "hst-acs,euclid-vis,des-r", "--out")  # fmt: skip
    killed, whole = tmp_path / "killed.h5", tmp_path / "whole.h5"
    process = subprocess.Popen([*CALL, *words, str(killed)], env=ONE_THREAD)
    first = tmp_path / "killed.h5.part" / "000000.h5"
    assert killed_when(process, first.exists) == -signal.SIGKILL
    assert not killed.exists()
    done = call(*words, killed, "--json")
    assert json.loads(done.stdout)["resumed"] == 96
    call(*words, whole)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (killed, whole)}
    assert len(digests) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "images", "killed.h5", "whole.h5",
    ]  # fmt: skip


def test_help_stays_light() -> None:
    """`lensbench data --help` and the help of its verbs import neither torch nor NumPy."""
    code = (
        "import sys; sys.argv = ['lensbench', 'data', 'make', '--help']\n"
        "from lensbench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'h5py'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "lenses.h5" in done.stdout
