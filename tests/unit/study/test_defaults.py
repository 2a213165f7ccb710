"""Cells of one run, and what stands where a call names nothing."""

import pytest
from tests.runs import run_cells

from lensbench.cells.checks import Checks, check_targets
from lensbench.cells.plugins import Plugins
from lensbench.errors import IncompatibleError, UsageError
from lensbench.study.cell import Seeds, View
from lensbench.study.defaults import (
    encoder_entrant,
    find_conditions,
    own_pretraining,
    possible_conditions,
    usual_conditions,
)

PEDAGOGICAL = "lenses:population=pedagogical"


def test_a_run_ranks_the_reference_encoder_and_all_baselines_of_the_task(catalogue):
    """The entrant asked for comes first, each other once; a slow baseline has to be named."""
    for task, encoder in (("superres", "mae-vit"), ("morphology", "resnet18")):
        labels = [c.entrant.label for c in run_cells(catalogue, task, encoder=encoder)]
        able = [
            item.entry.name
            for item in catalogue.of_kind("baseline")
            if task in item.entry.tasks and task not in item.entry.by_name
        ]
        first = {"superres": ["mae-vit + none + finetune"], "morphology": []}[task]
        assert labels[0] == [*first, "resnet18 + none + finetune"][0]
        assert sorted(labels) == sorted([*first, "resnet18 + none + finetune", *able])
        assert len(able) > 1 and "lens-model" not in able
    named = [c.entrant.label for c in run_cells(catalogue, "morphology", baseline="lens-model")]
    assert named[0] == "lens-model"


def test_the_training_condition_comes_first(catalogue):
    """All named conditions are tested, the trained-on one first and once."""
    cell = run_cells(catalogue, "superres", encoder="mae-vit", train_condition="hst-acs")[0]
    assert cell.tests[0].condition == "hst-acs"
    assert sorted(view.condition for view in cell.tests) == [
        "des-r",
        "euclid-vis",
        "hst-acs",
        "rubin-r",
    ]


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("superres", {}),
        ("superres", {"encoder": "mae-vit", "baseline": "bicubic"}),
        ("superres", {"encoder": "mae-vit", "budget": "huge"}),
        ("superres", {"encoder": "mae-vit", "test_conditions": ("moon",)}),
        ("singing", {"encoder": "mae-vit"}),
    ],
)
def test_mistakes_are_refused_while_planning(catalogue, task, options):
    """Nothing of these runs."""
    with pytest.raises(UsageError):
        run_cells(catalogue, task, **options)


def test_a_dataset_without_the_target_is_refused_with_those_that_have_it(catalogue):
    """The hint names datasets that would do."""
    with pytest.raises(IncompatibleError) as caught:
        check_targets(catalogue, "morphology", ("substructure",), "images:path=x")
    assert "lenses" in caught.value.hint


def first(catalogue, task="morphology", **asked):
    """The cell of the entrant that was asked for."""
    return run_cells(catalogue, task, **asked)[0]


def test_what_was_asked_for_goes_into_every_cell(catalogue):
    """Task, labels, seeds and budget, each in its one spelling."""
    seeds = Seeds(3, 3, 3)
    options = {"encoder": "resnet18", "labels": 7, "seed": 3, "budget": "smoke"}
    cells = run_cells(catalogue, "regression:theta_E", **options)
    assert {cell.task for cell in cells} == {"regression"}
    fitted = {cell for cell in cells if cell.entrant.encoder}
    assert {(cell.labels, cell.seeds, cell.budget) for cell in fitted} == {(7, seeds, "smoke")}
    baselines = {(cell.labels, cell.seeds.fit, cell.budget) for cell in set(cells) - fitted}
    assert baselines == {(7, 3, "smoke")}
    assert {cell.train for cell in cells} == {View("lenses", "euclid-vis")}
    assert len(cells) == len({cell.entrant for cell in cells}) == 3
    changed = first(catalogue, encoder="resnet18", budget="smoke:train_steps=9,test_scenes=24")
    assert changed.budget == "smoke:train_steps=9"
    assert changed.labels is None


def test_what_is_pretrained_sees_the_training_condition_or_what_is_named(catalogue):
    """Nobody else sees anything before the fit."""
    asked = {"encoder": "mae-vit:size=micro", "pretraining": "mae", "transfer": "linear"}
    cells = run_cells(catalogue, "morphology", **asked)
    assert cells[0].pretraining == (View("lenses", "euclid-vis"),)
    assert {cell.pretraining for cell in cells[1:]} == {()}
    named = first(
        catalogue,
        **asked,
        dataset=PEDAGOGICAL,
        train_condition="hst-acs",
        pretraining_conditions=("rubin-r", "hsc-i", "rubin-r"),
    )
    assert named.pretraining == (View(PEDAGOGICAL, "hsc-i"), View(PEDAGOGICAL, "rubin-r"))
    assert first(catalogue, **asked | {"pretraining": "none"}).pretraining == ()


def test_what_adapts_does_so_to_the_last_condition_or_what_is_named(catalogue):
    """On the dataset that is tested on; what does not adapt has no target."""
    asked = {"encoder": "resnet18", "transfer": "adda", "test_conditions": ("hst-acs", "rubin-r")}
    cells = run_cells(catalogue, "morphology", **asked)
    assert cells[0].target == View("lenses", "rubin-r")
    assert {cell.target for cell in cells[1:]} == {None}
    named = first(catalogue, **asked, target_condition="hst-acs", test_dataset=PEDAGOGICAL)
    assert named.target == View(PEDAGOGICAL, "hst-acs")


def test_another_dataset_is_tested_on_and_not_trained_on(catalogue):
    """Under the same conditions, which both can be seen under."""
    cell = first(catalogue, encoder="resnet18", test_dataset=PEDAGOGICAL)
    assert cell.train == View("lenses", "euclid-vis")
    assert {view.dataset for view in cell.tests} == {PEDAGOGICAL}
    with pytest.raises(IncompatibleError) as caught:
        first(catalogue, encoder="resnet18", test_dataset="stored:path=x")
    assert caught.value.message == "'lenses' and 'stored:path=x' share no condition"
    assert "by themselves" in caught.value.hint


def test_conditions_that_are_possible_usual_and_named(catalogue):
    """A dataset's own, or all that are no other's; the default first, then the reference ones."""
    assert possible_conditions(catalogue, "stored:path=x") == ("as-stored",)
    assert usual_conditions(catalogue, "stored:path=x") == ("as-stored",)
    possible = possible_conditions(catalogue, PEDAGOGICAL)
    assert "as-stored" not in possible and len(possible) > 40
    usual = usual_conditions(catalogue, "lenses")
    assert usual[0] == "euclid-vis"
    assert sorted(usual) == ["des-r", "euclid-vis", "hst-acs", "rubin-r"]
    given = ("hst-acs", "custom:pixel_scale=0.20,base=rubin-r", "hst-acs")
    assert find_conditions(catalogue, "lenses", given) == (
        "hst-acs",
        "custom:base=rubin-r,pixel_scale=0.2",
    )
    with pytest.raises(IncompatibleError) as caught:
        find_conditions(catalogue, "stored:path=x", ("hst-acs",))
    assert caught.value.message == "dataset 'stored' cannot be seen under 'hst-acs'"
    assert "as-stored" in caught.value.hint


def test_an_encoders_own_pretraining_is_none_where_it_has_weights(catalogue):
    """The shipped model has its weights; the same network without them learns first."""
    own = {
        "mae-vit": "none",
        "mae-vit:size=micro": "mae",
        "resnet18": "none",
        "dcae": "autoencoding",
    }
    assert {text: own_pretraining(catalogue, text) for text in own} == own
    entrant = encoder_entrant(catalogue, "mae-vit:width=64,patch=4", "own", "linear")
    assert (entrant.pretraining, entrant.transfer) == ("mae", "linear")
    assert entrant.encoder == "mae-vit:patch=4,width=64"
    assert encoder_entrant(catalogue, "dcae", "simclr", "knn").pretraining == "simclr"


def test_no_head_is_trained_where_the_task_has_none(catalogue):
    """No reference encoder stands beside what tells anomalies."""
    cells = run_cells(catalogue, "anomaly", encoder="spectrum", transfer="mahalanobis")
    assert [cell.entrant.encoder for cell in cells if cell.entrant.encoder] == ["spectrum"]
    assert len(cells) > 2


def test_an_entrant_that_stands_beside_anyway_stands_once(catalogue):
    """The one asked for is the first."""
    cells = run_cells(catalogue, "superres", encoder="resnet18")
    labels = [cell.entrant.label for cell in cells]
    assert labels[0] == "resnet18 + none + finetune"
    assert len(labels) == len(set(labels))
    labels = [cell.entrant.label for cell in run_cells(catalogue, "superres", baseline="wiener")]
    assert labels[0] == "wiener"
    assert len(labels) == len(set(labels))


def test_refusals_say_what_and_what_next(catalogue):
    """Each in one line with a hint."""
    with pytest.raises(UsageError) as caught:
        first(catalogue)
    assert caught.value.message == "name one --encoder or one --baseline"
    assert caught.value.hint == "lensbench list shows them"
    with pytest.raises(UsageError) as caught:
        Checks(Plugins(catalogue)).check(first(catalogue, baseline="bicubic"))
    assert caught.value.message == "baseline 'bicubic' does not do task 'morphology'"
    assert caught.value.hint.startswith("it does: superres")
    assert first(catalogue, encoder="resnet18", labels=1).labels == 1
    with pytest.raises(IncompatibleError) as caught:
        check_targets(catalogue, "morphology:x=1", ("substructure", "moon"), "lenses:population=y")
    assert caught.value.message == (
        "dataset 'lenses' has no target 'moon', which task 'morphology' needs"
    )
    assert caught.value.hint == "datasets that do: none installed"
    check_targets(catalogue, "morphology", ("substructure",), "lenses")
    with pytest.raises(IncompatibleError) as caught:
        check_targets(catalogue, "morphology", ("substructure",), "images:path=x")
    assert caught.value.hint == "datasets that do: lenses, stored"
