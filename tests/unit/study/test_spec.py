"""Study files: what they may say, and what is said of one that is wrong."""

import pytest

from lensbench.errors import UsageError
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
