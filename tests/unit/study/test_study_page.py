"""The page on study files says what is so."""

import re
from pathlib import Path

import pytest

from lensbench.study import spec
from lensbench.study.expand import expand

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "study-files.md"
EXAMPLE = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]


def test_the_example_is_a_study(catalogue):
    """It has every table and comes to the cells that its axes say."""
    study = spec.parse_study(EXAMPLE)
    assert {*study.model_fields_set} == set(spec.Study.model_fields)
    cells = expand(catalogue, study, lambda _: None).cells
    labels = [(one.entrant.label.split(" + ")[-2:], one.labels) for one in cells]
    probes = [it for it in labels if it[0][-1] == "linear"]
    # mae at 32 and all, none at all alone, each twice; one baseline and one included at two labels
    assert len(probes) == 2 * (2 + 1)
    assert len(cells) == len(probes) + 2 * 2 + 2 * 2


@pytest.mark.parametrize(
    "model", [spec.Study, spec.Axes, spec.Tests, spec.Pretraining, spec.SeedAxes, spec.Run]
)
def test_every_key_has_its_row(model):
    """What the code knows the page knows."""
    for key in model.model_fields:
        assert f"| `{key}` |" in PAGE.read_text() or f"[{key}]" in PAGE.read_text()


def test_overrides_of_the_page_are_taken():
    """Each `--set` that stands there, put to its example."""
    words = re.findall(r"--set (\S+?='[^']*'|\S+)", PAGE.read_text().partition("## Overrides")[2])
    overrides = [word.replace("'", "") for word in words if "=" in word]
    assert len(overrides) == 4
    study = spec.parse_study(EXAMPLE, overrides)
    assert (study.budget, study.axes.labels, study.seeds.fit) == ("quick", (16, "all"), 5)


def test_errors_name_the_page():
    """And it is there."""
    with pytest.raises(Exception, match="lacks") as caught:
        spec.parse_study('name = "x"')
    assert (PAGE.parents[2] / caught.value.hint.split()[0]).is_file()
