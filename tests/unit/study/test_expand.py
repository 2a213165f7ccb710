"""Every combination that a study's axes allow, each once."""

import pytest

from lensbench.api.budget import find_budget
from lensbench.errors import IncompatibleError, PluginError, UsageError
from lensbench.study.cell import Seeds, View
from lensbench.study.defaults import usual_conditions
from lensbench.study.expand import expand
from lensbench.study.spec import parse_study


def cells(catalogue, text, check=lambda cell: None):
    """The expansion of the study that `text` says behind its name."""
    return expand(catalogue, parse_study(f'name = "x"\n{text}'), check)


SMALL = """
[axes]
task = ["morphology"]
encoder = ["resnet18", "mae-vit"]
pretraining = ["none", "simclr"]
transfer = ["linear", "finetune"]
baseline = []
[tests]
condition = []
"""


PEDAGOGICAL = "lenses:population=pedagogical"
BOTH_DATA = {(dataset, labels) for dataset in ("lenses", PEDAGOGICAL) for labels in (16, None)}


def test_axes_are_crossed(catalogue):
    """Two encoders, two strategies, two transfers, of one task on one view."""
    found = cells(catalogue, 'budget = "minute"' + SMALL).cells
    assert len(found) == len({cell.entrant for cell in found}) == 8
    assert {(cell.task, cell.train, cell.budget) for cell in found} == {
        ("morphology", View("lenses", "euclid-vis"), "minute")
    }


def test_what_a_cell_makes_no_use_of_does_not_multiply_it(catalogue):
    """A baseline has no pretraining seed, an encoder that is not pretrained no views."""
    text = SMALL.replace("baseline = []", 'baseline = ["spectrum-logreg"]')
    found = cells(catalogue, text + "[seeds]\npretraining = 3\n").cells
    assert sum(bool(cell.entrant.baseline) for cell in found) == 1
    untrained = [cell for cell in found if cell.entrant.pretraining == "none"]
    assert all(cell.pretraining == () for cell in untrained)
    assert len(untrained) == 2 * 2 * 3  # initial weights differ by the pretraining seed


def test_the_order_of_axes_changes_no_cell(catalogue):
    """The same set, whatever stands first in a list."""
    turned = SMALL.replace('"resnet18", "mae-vit"', '"mae-vit", "resnet18"')
    assert set(cells(catalogue, SMALL).cells) == set(cells(catalogue, turned).cells)


def test_more_labels_than_there_are_is_all(catalogue):
    """So many are not asked for twice."""
    every = find_budget("quick").train_scenes
    text = SMALL.replace("baseline = []", f'baseline = []\nlabels = [32, {every}, 100000, "all"]')
    assert {cell.labels for cell in cells(catalogue, text).cells} == {32, None}


def test_excluded_cells_are_left_out(catalogue):
    """Those that match all that is named."""
    text = SMALL + '[[exclude]]\nencoder = "mae*"\ntransfer = "finetune"\n'
    found = cells(catalogue, text).cells
    assert len(found) == 6
    assert not any("mae-vit" in c.entrant.label and "finetune" in c.entrant.label for c in found)


@pytest.mark.parametrize(
    ("block", "left"),
    [
        ('encoder = ["mae-vit", "no-such"]', {"resnet18:width=8"}),
        ('encoder = "resnet18"', {"mae-vit"}),
        ('encoder = "resnet18:width=8"', {"mae-vit"}),
        ('encoder = "resnet18:width=9"', {"resnet18:width=8", "mae-vit"}),
        ('encoder = "*"\ntask = "finding"', {"resnet18:width=8", "mae-vit"}),
        ('baseline = "*"', {"resnet18:width=8", "mae-vit"}),
    ],
)
def test_a_name_is_excluded_with_any_options_or_with_its_own(catalogue, block, left):
    """One pattern or a list of them; what a cell has not got matches nothing."""
    text = SMALL.replace('"resnet18", ', '"resnet18:width=8", ') + f"[[exclude]]\n{block}\n"
    found = cells(catalogue, text).cells
    assert {cell.entrant.encoder for cell in found} == left


@pytest.mark.parametrize(
    ("block", "left"),
    [
        ('dataset = "lenses:*"', {("lenses", 16), ("lenses", None)}),
        ('labels = "16"', {("lenses", None), (PEDAGOGICAL, None)}),
        (
            'dataset = "lenses:*"\nlabels = "all"',
            {("lenses", 16), ("lenses", None), (PEDAGOGICAL, 16)},
        ),
        ('train_condition = "euclid-*"', set()),
        ('train_condition = "hst-*"\nlabels = "*"', BOTH_DATA),
    ],
)
def test_data_are_excluded_too(catalogue, block, left):
    """By dataset, condition of the training, and number of labels."""
    text = SMALL.replace(
        "baseline = []",
        f'baseline = []\ndataset = ["lenses", "{PEDAGOGICAL}"]\nlabels = [16, "all"]',
    )
    found = cells(catalogue, f"{text}[[exclude]]\n{block}\n").cells
    assert {(cell.train.dataset, cell.labels) for cell in found} == left


@pytest.mark.parametrize(
    ("axes", "targets"),
    [
        ("", ["lenses rubin-r"]),
        ('adapt_condition = ["hsc-i", "hst-acs"]', ["lenses hsc-i", "lenses hst-acs"]),
        ('adapt_dataset = ["lenses:population=survey"]', ["lenses rubin-r"]),
        (
            f'adapt_dataset = ["lenses", "{PEDAGOGICAL}"]\nadapt_condition = ["hsc-i"]',
            ["lenses hsc-i", f"{PEDAGOGICAL} hsc-i"],
        ),
    ],
)
def test_what_adapts_has_targets(catalogue, axes, targets):
    """Those that are named; else the last view of the tests. What does not adapt has none."""
    text = SMALL.replace("baseline = []", f"baseline = []\n{axes}")
    text = text.replace('"linear", "finetune"', '"linear", "adabn"')
    text = text.replace("condition = []", 'condition = ["hst-acs", "rubin-r", "des-r"]')
    found = cells(catalogue, text.replace('"mae-vit"', '"resnet18"')).cells
    wanted = {"linear": {None}, "adabn": {View(*target.split()) for target in targets}}
    for transfer, expected in wanted.items():
        assert {cell.target for cell in found if cell.entrant.transfer == transfer} == expected


def test_all_baselines_of_a_task_are_auto(catalogue):
    """Beside those that are named, each once, and without those that have to be named."""
    text = SMALL.replace("baseline = []", 'baseline = ["pca-logreg", "auto", "spectrum-logreg"]')
    found = [cell.entrant.baseline for cell in cells(catalogue, text).cells]
    known = catalogue.of_kind("baseline")
    wanted = {
        one.entry.name
        for one in known
        if "morphology" in one.entry.tasks and "morphology" not in one.entry.by_name
    }
    assert sorted(filter(None, found)) == sorted(wanted)
    assert {"pca-logreg", "spectrum-logreg"} < wanted < {one.entry.name for one in known}


def test_every_axis_of_chance_is_crossed(catalogue):
    """Draws, pretrainings and fits; a baseline has one pretraining, the first."""
    text = SMALL.replace("baseline = []", 'baseline = ["pca-logreg"]').replace('"none", ', "")
    seeds = "[seeds]\ndraw = [5, 6]\npretraining = [7, 8]\nfit = [9]\n"
    found = cells(catalogue, text + seeds).cells
    for name, pretrainings in (("", {7, 8}), ("pca-logreg", {0})):
        held = {cell.seeds for cell in found if cell.entrant.baseline == name}
        assert held == {Seeds(draw, one, 9) for draw in (5, 6) for one in pretrainings}


def test_included_cells_come_beside(catalogue):
    """Axes that a block names take the place of the study's."""
    text = SMALL + '[[include]]\nencoder = "resnet34"\npretraining = "none"\n'
    found = cells(catalogue, text).cells
    assert sum("resnet34" in cell.entrant.label for cell in found) == 2
    assert len(found) == 10


def test_an_included_block_has_views_of_its_own_to_pretrain_on(catalogue):
    """In place of the study's, whether it names datasets or conditions; others keep theirs."""
    text = SMALL.replace('"none", "simclr"', '"simclr"') + (
        '[pretraining]\ncondition = ["rubin-r"]\n[[include]]\npretraining_condition = "hsc-i"\n'
        f'[[include]]\npretraining_dataset = ["same", "{PEDAGOGICAL}"]\n'
    )
    found = cells(catalogue, text).cells
    seen = [cell.pretraining for cell in found if cell.entrant.encoder == "resnet18"][::2]
    other = View(PEDAGOGICAL, "rubin-r")
    assert seen == [
        (View("lenses", "rubin-r"),),
        (View("lenses", "hsc-i"),),
        (View("lenses", "rubin-r"), other),
    ]
    assert len(found) == len(set(found)) == 3 * 4


def test_what_can_be_pretrained_on_one_thing_is_kept_where_another_cannot(catalogue):
    """Reasons are of the views, too."""

    def check(cell):
        if len(cell.pretraining) == 1:
            raise IncompatibleError("one alone", "take two")

    text = SMALL.replace('"none", "simclr"', '"paired"') + (
        '[[include]]\npretraining_condition = ["hsc-i", "rubin-r"]\n'
    )
    found = cells(catalogue, text, check)
    assert {len(cell.pretraining) for cell in found.cells} == {2}
    assert (len(found.cells), sum(one.count for one in found.incompatible)) == (4, 4)


def test_tests_are_datasets_under_conditions_the_home_view_first(catalogue):
    """Trained on, then all others by name."""
    text = SMALL.replace("baseline = []", 'baseline = []\ntrain_condition = ["rubin-r"]')
    text = text.replace(
        "condition = []",
        f'dataset = ["same", "{PEDAGOGICAL}"]\ncondition = ["hst-acs"]',
    )
    assert cells(catalogue, text).cells[0].tests == (
        View("lenses", "rubin-r"),
        View("lenses", "hst-acs"),
        View(PEDAGOGICAL, "hst-acs"),
        View(PEDAGOGICAL, "rubin-r"),
    )


def test_usual_conditions_are_those_of_the_dataset(catalogue):
    """Trained on is the first of them, tested on are all; others come beside."""
    text = SMALL.replace("baseline = []", 'baseline = []\ntrain_condition = ["usual", "hsc-i"]')
    found = cells(catalogue, text.replace("condition = []", 'condition = ["usual", "psf@2"]')).cells
    first, *others = usual_conditions(catalogue, "lenses")
    tests = {cell.train.condition: {view.condition for view in cell.tests} for cell in found}
    assert tests == {home: {home, first, *others, "psf@2"} for home in (first, "hsc-i")}


def test_an_encoder_has_a_pretraining_of_its_own(catalogue):
    """Where that is what is asked for; others beside."""
    text = SMALL.replace('"resnet18", "mae-vit"', '"aae"').replace('"none", "sim', '"own", "sim')
    found = {cell.entrant.pretraining for cell in cells(catalogue, text).cells}
    assert found == {"adversarial", "simclr"}


def test_what_cannot_be_is_counted_with_its_reason(catalogue):
    """By entrant, task and dataset; the others stay."""

    def check(cell):
        if cell.entrant.pretraining == "simclr":
            raise IncompatibleError("no contrast", "take another")

    found = cells(catalogue, SMALL + "[seeds]\nfit = 5\n", check)
    assert len(found.cells) == 4 * 5
    assert {(one.reason, one.count) for one in found.incompatible} == {
        ("no contrast; take another", 5)
    }
    assert {one.cell.entrant.pretraining for one in found.incompatible} == {"simclr"}


def test_what_fails_to_be_made_is_told_and_a_mistake_is_not_passed_over(catalogue):
    """A plugin's fault costs its cells; a wrong name stops all."""

    def fault(cell):
        raise PluginError("it broke", "mend it")

    def mistake(cell):
        raise UsageError("no such thing", "name another")

    [reason] = {one.reason for one in cells(catalogue, SMALL, fault).incompatible}
    assert reason == "it broke"
    with pytest.raises(UsageError, match="no such thing"):
        cells(catalogue, SMALL, mistake)


@pytest.mark.parametrize(
    "change",
    [
        ("morphology", "singing"),
        ("resnet18", "resnet17"),
        ("condition = []", 'condition = ["moon"]'),
    ],
)
def test_an_unknown_name_is_refused(catalogue, change):
    """Before anything is crossed."""
    with pytest.raises(UsageError):
        cells(catalogue, SMALL.replace(*change))
