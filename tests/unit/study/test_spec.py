"""Study files: what they may say, and what is said of one that is wrong."""

import subprocess
import sys

import pytest

from lensbench.errors import DataError, UsageError
from lensbench.study.spec import parse_study

SMALL = """
name = "small"
[axes]
task = ["morphology"]
encoder = ["resnet18"]
labels = [100, "all"]
"""


def test_what_a_file_leaves_open_has_a_default():
    """Axes, tests, seeds and budget."""
    study = parse_study(SMALL)
    assert study.budget == "quick"
    assert study.axes.dataset == ("lenses",)
    assert study.axes.labels == (100, "all")
    assert [study.seeds.values(axis) for axis in ("draw", "pretraining", "fit")] == [(0,)] * 3


def test_seeds_are_a_list_or_how_many():
    """A number counts from zero."""
    study = parse_study(SMALL + "[seeds]\nfit = 3\ndraw = [7]\n")
    assert study.seeds.values("fit") == (0, 1, 2)
    assert study.seeds.values("draw") == (7,)


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("budget=smoke", lambda study: study.budget == "smoke"),
        ("axes.labels=[10]", lambda study: study.axes.labels == (10,)),
        ("seeds.fit=2", lambda study: study.seeds.values("fit") == (0, 1)),
        ("run.time_limit='2 h'", lambda study: study.run.seconds == 7200.0),
    ],
)
def test_set_overrides_one_key(override, found):
    """TOML, or a bare word."""
    assert found(parse_study(SMALL, [override]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = ", "not TOML"),
        ("name = 'x'", "axes"),
        ("name = 'x'\n[axes]\ntask = []", "axes.task"),
        (SMALL + "encodr = ['x']", "encodr"),
        (SMALL + "[run]\ntime_limit = 'soon'", "run.time_limit"),
        (SMALL + "[run]\nmemory_limit = '3 apples'", "run.memory_limit"),
        (SMALL + "[seeds]\nfit = 0", "seeds.fit"),
        (SMALL.replace("100", "0"), "axes.labels"),
        (SMALL + "[[exclude]]\nmoon = 'full'", "moon"),
        (SMALL + "[[include]]\nencodr = 'x'", "encodr"),
        ("name = 'a b'\n[axes]\ntask = ['morphology']", "name"),
    ],
)
def test_a_wrong_file_is_told_of_in_one_line(text, told):
    """The key is named."""
    with pytest.raises(UsageError) as caught:
        parse_study(text)
    assert told in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("override", ["budget", "=3", "a..b=1", "name.x=1"])
def test_a_wrong_override_is_told_of(override):
    """It is named as it was given."""
    with pytest.raises(UsageError) as caught:
        parse_study(SMALL, [override])
    assert override.split("=")[0] in caught.value.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2 s", 2.0), ("1.5min", 90.0), (" 2 h ", 7200.0), ("1 d", 86400.0), ("", None)],
)
def test_times_have_a_unit(text, seconds):
    """Seconds, minutes, hours or days; none is no limit."""
    run = parse_study(SMALL, [f"run.time_limit='{text}'"]).run
    assert run.seconds == seconds
    every = parse_study(SMALL, [f"run.checkpoint_every='{text}'"]).run.checkpoint_seconds
    assert every == (seconds or 60.0)
    assert parse_study(SMALL).run.checkpoint_seconds == 60.0


@pytest.mark.parametrize(
    ("text", "size"),
    [("3 MB", 3_000_000), ("1GB", 10**9), ("2 TB", 2 * 10**12), ("1.5 MiB", 1_572_864),
     ("1 GiB", 2**30), ("", None)],
)  # fmt: skip
def test_sizes_have_a_unit(text, size):
    """Decimal or binary; none is no limit."""
    assert parse_study(SMALL, [f"run.memory_limit='{text}'"]).run.bytes == size


@pytest.mark.parametrize("text", ["0 s", "2", "h", "2 H", "-1 s", "1 s 2", "1,5 s", "3 MB"])
def test_what_is_no_time_is_told_with_the_units(text):
    """Zero is none either."""
    with pytest.raises(UsageError) as caught:
        parse_study(SMALL, [f"run.time_limit='{text}'"])
    assert caught.value.message == (
        f"study key 'run.time_limit' is {text!r}: expected a number and one of s, min, h, d"
    )
    assert caught.value.hint.startswith("docs/reference/study-files.md")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALL.replace("100", "0"), "study key 'axes.labels.0' is 0: "),
        (SMALL.replace('"all"', '"some"'), "study key 'axes.labels.1' is 'some': "),
        (SMALL + "[seeds]\nfit = 0", "study key 'seeds.fit' is 0: "),
        (SMALL + "[seeds]\nfit = ['a']", "study key 'seeds.fit.0' is 'a': "),
        ("name = 'x'\n[axes]\nencoder = ['a']", "the study lacks 'axes.task'"),
    ],
)
def test_a_fault_is_where_the_file_has_it(text, message):
    """Key and place in a list, without words of the validator."""
    with pytest.raises(UsageError) as caught:
        parse_study(text)
    assert caught.value.message.startswith(message)


def test_faults_are_told_as_they_are():
    """What is missing, unknown or not allowed, each with what to do."""
    for text, message, hint in (
        ("name = ", "the study file is not TOML: ", "docs/reference/study-files.md"),
        ("name = 'x'", "the study lacks 'axes'", "docs/reference/study-files.md"),
        ("budgt = 'x'" + SMALL, "a study has no key 'budgt'", "budget"),
        (SMALL + "[run]\nworker = 2", "a study has no key 'run.worker'", "workers"),
        (SMALL + "[[include]]\npretraining_conditon = 'x'",
         "an include has no key 'pretraining_conditon'", "pretraining_condition"),
        (SMALL + "[[include]]\npretraining_condition = 3",
         "study key 'pretraining_condition.0' is 3", "docs"),
        (SMALL + "[[exclude]]\nmoon = 'full'\nsun = 1", "cannot exclude by 'moon', only by ['base",
         "docs/reference/study-files.md"),
        (SMALL + "[[exclude]]\n", "cannot exclude by 'nothing'", "docs"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            parse_study(text)
        assert message in caught.value.message
        assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("budget", "--set 'budget' is not key=value", "e.g. --set budget=smoke"),
        ("a..b=1", "--set 'a..b=1' is not key=value", "e.g. --set budget=smoke"),
        ("name.x=1", "--set 'name.x=1': 'name' is no table", "docs/reference/study-files.md"),
    ],
)
def test_an_override_that_is_none_is_told_whole(override, message, hint):
    """What was given, what is wrong with it, and what to do."""
    with pytest.raises(UsageError) as caught:
        parse_study(SMALL, [override])
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)


def test_an_override_is_of_any_depth_and_its_value_whole():
    """Blanks around a key are none of it, and what follows the first `=` is the value."""
    study = parse_study(SMALL, [" axes.encoder =['resnet18:width=8']", "summary=a = b"])
    assert study.axes.encoder == ("resnet18:width=8",)
    assert study.summary == "a = b"


def test_a_block_of_baselines_has_no_encoder_unless_it_is_named():
    """A block that names neither has the study's encoders and no baseline."""
    study = parse_study(
        SMALL + "[[include]]\nlabels = 5\n[[include]]\nbaseline = 'bicubic'\n"
        "[[include]]\nbaseline = 'bicubic'\nencoder = ['a', 'b']\n"
    )
    first, labels, baseline, both = (block.axes for block in study.blocks())
    assert {block.pretraining for block in study.blocks()} == {study.pretraining}
    assert first == study.axes
    assert (labels.encoder, labels.baseline, labels.labels) == (("resnet18",), (), (5,))
    assert (baseline.encoder, baseline.baseline) == ((), ("bicubic",))
    assert (both.encoder, both.baseline) == (("a", "b"), ("bicubic",))


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 200_000, "x = " + "{a = " * 200_000, "a." * 200_000 + "a = 1"]
)
@pytest.mark.parametrize("verb", ["plan", "sweep"])
def test_a_study_nested_too_deeply_is_refused(tmp_path, verb, text):
    """One line before it is parsed, by every verb that reads studies."""
    path = tmp_path / "deep.toml"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", "from lensbench.cli import main; main()", verb, str(path)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"{str(path)!r} is nested more than 64 levels deep" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("override", ["axes.labels=" + "[" * 20_000, "a." * 20_000 + "a=1"])
def test_an_override_nested_too_deeply_is_refused(override):
    """The same guard holds for `--set`."""
    with pytest.raises(DataError, match="'--set' is nested more than 64 levels deep"):
        parse_study(SMALL, [override])
