"""What changed, by how much, and whether it is more than chance."""

import json

import numpy as np
import pytest
from boards import failed, read_board, rows, write_board
from scipy import stats as scipy_stats

from lensbench.errors import UsageError
from lensbench.leaderboard.comparisons import compare_entrants, compare_sources
from lensbench.leaderboard.pairing import Scores
from lensbench.leaderboard.source import open_source
from lensbench.store.scores import read_scores


def no_store():
    """For what is never looked for in a store."""
    raise AssertionError("a store was opened")


def board(folder, *parts, scores=True):
    """A board as it is opened."""
    return open_source(str(write_board(folder, *parts, scores=scores)), no_store)


def test_an_improvement_is_found_on_the_same_scenes(tmp_path):
    """Half a decibel is far below the scatter of scenes, and is seen because they are paired."""
    source = board(tmp_path / "b", rows("old", 30.0), rows("new", 30.5))
    (change,) = compare_entrants(source, "old", "new")
    assert (change.verdict, change.method) == ("better", "paired")
    assert change.difference.value == pytest.approx(0.5, abs=0.15)
    assert change.difference.low > 0
    assert change.detectable < 0.5


def test_records_alone_do_not_see_it_and_say_so(tmp_path):
    """Without scores by scene the interval is that of other scenes."""
    source = board(tmp_path / "b", rows("old", 30.0), rows("new", 30.5), scores=False)
    (change,) = compare_entrants(source, "old", "new")
    assert (change.verdict, change.method) == ("no difference shown", "records")
    assert change.detectable > 0.5


@pytest.mark.parametrize("draws", [1, 3])
def test_a_metric_without_an_interval_has_none_of_a_difference(tmp_path, draws):
    """One outlier rules both; scores by scene do not change that."""
    ruled = {"low": None, "high": None}
    parts = (rows(name, skill, draws=draws, **ruled) for name, skill in [("old", 30), ("new", 31)])
    (change,) = compare_entrants(board(tmp_path / "b", *parts), "old", "new")
    assert (change.verdict, change.difference) == ("no interval", None)


def test_a_single_pair_of_fits_is_the_paired_t_test(tmp_path):
    """With one seed each the p-value is SciPy's of the values by scene."""
    source = board(tmp_path / "b", rows("old", 30.0, seeds=1), rows("new", 30.05, seeds=1))
    (change,) = compare_entrants(source, "old", "new")
    old, new = (np.array(values) for values in source.scores.sort("cell")["values"].reverse())
    assert change.p == pytest.approx(scipy_stats.ttest_rel(new, old).pvalue, rel=1e-4)


def test_boards_are_compared_entrant_by_entrant(tmp_path):
    """Better, worse, equal, failed, lost and new, each with its verdict."""
    names = ["better", "worse", "same", "broken", "gone"]
    before = board(tmp_path / "b", *(rows(name, 30.0) for name in names))
    after = board(
        tmp_path / "a", rows("better", 31.0, chance=1), rows("worse", 29.0, chance=1),
        rows("same", 30.0), ([failed("broken")], []), rows("new", 30.0),
    )  # fmt: skip
    verdicts = {c.where["entrant"]: c.verdict for c in compare_sources(before, after)}
    assert verdicts == {
        "better": "better", "worse": "worse", "same": "same", "broken": "failed",
        "gone": "lost", "new": "new",
    }  # fmt: skip


def test_less_of_an_error_is_better(tmp_path):
    """The direction of the metric decides."""
    facts = {"higher_is_better": False}
    source = board(tmp_path / "b", rows("old", 30.0, **facts), rows("new", 29.0, **facts))
    (change,) = compare_entrants(source, "old", "new")
    assert change.verdict == "better"
    assert change.difference.value < 0


def test_a_metric_without_direction_calls_nobody_better(tmp_path):
    """Signed biases may differ significantly, to whatever side."""
    facts = {"higher_is_better": None}
    source = board(tmp_path / "b", rows("old", 30.0, **facts), rows("new", 29.0, **facts))
    (change,) = compare_entrants(source, "old", "new")
    assert change.verdict == "different"


def test_other_scenes_are_not_paired(tmp_path):
    """Boards of other draws are compared unpaired, and it is told."""
    before = board(tmp_path / "b", rows("one", 30.0))
    parts = rows("one", 30.0, chance=1)
    for row in parts[1]:
        row["scenes"] = "others"
    after = board(tmp_path / "a", parts)
    (change,) = compare_sources(before, after)
    assert change.method == "unpaired"


def test_many_equal_entrants_raise_no_alarm(tmp_path):
    """Of 10 boards with 40 comparisons without a difference, at most one has an alarm."""
    alarms = 0
    for trial in range(10):
        names = [f"{chr(97 + k % 26)}{k}" for k in range(40)]
        folder = tmp_path / str(trial)
        before = board(folder / "b", *(rows(n, 30.0, chance=2 * trial) for n in names))
        after = board(folder / "a", *(rows(n, 30.0, chance=2 * trial + 1) for n in names))
        changes = compare_sources(before, after)
        assert len(changes) == 40
        alarms += any(change.verdict in ("better", "worse") for change in changes)
    assert alarms <= 1


def test_what_shares_nothing_is_refused(tmp_path):
    """Other budgets are other cells; an unknown entrant or metric is told with the known."""
    one = board(tmp_path / "b", rows("one", 30.0), rows("other", 30.0))
    other = board(tmp_path / "a", rows("one", 30.0, budget="smoke"))
    with pytest.raises(UsageError, match="no score of the same"):
        compare_sources(one, other)
    with pytest.raises(UsageError, match="no entrant 'non'"):
        compare_entrants(one, "non", "one")
    with pytest.raises(UsageError, match="no metric 'ssim'"):
        compare_sources(one, one, "ssim")
    with pytest.raises(UsageError, match="matches 2 entrants"):
        compare_entrants(one, "o", "one")


def test_entrants_with_several_views_are_not_mixed(tmp_path):
    """Two pretrainings of one name would pass for seeds of one; the names of tables tell them."""
    views = "lenses a", "lenses b"
    skies = "other a | other b"
    source = board(
        tmp_path / "b", rows("one", 31.0, pretraining_views=views[0]),
        rows("one", 30.0, chance=1, pretraining_views=views[1]),
        rows("other", 29.0, pretraining_views=skies),
    )  # fmt: skip
    with pytest.raises(UsageError, match="'one' matches 2 entrants") as caught:
        compare_entrants(source, "one", "other")
    named = [f"one, pretrained on lenses under {letter}" for letter in "ab"]
    assert caught.value.hint == "; ".join(named)
    (change,) = compare_entrants(source, named[1], named[0])
    assert (change.verdict, change.method) == ("better", "paired")
    assert change.difference.value == pytest.approx(1, abs=0.2)
    (change,) = compare_entrants(source, "under b", "other")
    assert change.difference.value == pytest.approx(-1, abs=0.2)


def test_pretrainings_on_other_scenes_share_no_chance(tmp_path):
    """Seeds of what was pretrained on two things are as independent as those of two encoders."""
    both = board(
        tmp_path / "b", rows("one", 31.0, pretraining_views="lenses a"),
        rows("one", 30.0, chance=1, pretraining_views="lenses b"),
    )  # fmt: skip
    apart = board(tmp_path / "a", rows("one", 31.0), rows("ono", 30.0, chance=1))
    (of_views,) = compare_entrants(both, "under b", "under a")
    (of_encoders,) = compare_entrants(apart, "ono", "one")
    assert of_views.difference == of_encoders.difference


def test_part_of_the_scores_is_none(tmp_path):
    """Where one seed's values are missing the entrant is not scored by the others."""
    folder = write_board(tmp_path / "b", rows("one", 30.0))
    frame = read_scores([folder / "scores.parquet"])
    assert Scores(frame[1:]).of(read_board(folder)) is None


def test_a_regression_exits_1_where_that_is_asked(lensbench, tmp_path):
    """For use in CI; without the option, and for an improvement, it exits 0."""
    one = write_board(tmp_path / "one", rows("entrant", 30.0))
    other = write_board(tmp_path / "other", rows("entrant", 29.0, chance=1))
    assert lensbench("leaderboard", "compare", one, other).code == 0
    assert lensbench("leaderboard", "compare", one, other, "--fail-on-regression").code == 1
    assert lensbench("leaderboard", "compare", other, one, "--fail-on-regression").code == 0
    printed = lensbench("leaderboard", "compare", one, other, "--json")
    data = json.loads(printed.out)
    assert data["regressions"] == 1
    assert data["changes"][0]["verdict"] == "worse"
    shown = lensbench("leaderboard", "compare", one, other).out
    assert "worse" in shown
    assert "Holm" in shown
