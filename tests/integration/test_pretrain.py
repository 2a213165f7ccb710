"""`lensbench pretrain`, from the command line to a model that can be used."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file
from tests.killing import killed_when

from lensbench import encoder_of
from lensbench.sky.seeds import seed_of
from lensbench.training.team import SingleProcess

WORDS = (
    "pretrain", "--encoder", "mae-vit:width=16,depth=1,heads=2", "--pretraining", "paired:mask=0.5",
    "--conditions", "euclid-vis,hst-acs", "--populations", "pedagogical,pedagogical@source",
    "--batch-size", "8", "--chunk", "8", "--window", "3", "--uses", "2", "--drawers", "0",
)  # fmt: skip


def _weights(folder):
    return load_file(str(folder / "model.safetensors"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny model, trained in one go: what is not there yet is begun by --resume, too."""
    folder = tmp_path_factory.mktemp("pretrained") / "model"
    words = [*WORDS, "--steps", "12", "--probes", "2", "--probe-scenes", "24", "--resume"]
    command = [sys.executable, "-c", "from lensbench.cli import main; main()", *words]
    subprocess.run([*command, "--out", str(folder), "--quiet"], check=True, timeout=1200)
    return folder


def test_a_model_that_was_trained_through_a_view_is_used_as_the_command_says(lensbench, tmp_path):
    """With its weights, and through the same view."""
    out = tmp_path / "model"
    words = ["--encoder", "small-resnet:width=8,view=0.2", "--pretraining", "latents", "--quiet"]
    words += ["--populations", "pedagogical", "--conditions", "euclid-vis", "--probes", "0"]
    words += ["--batch-size", "8", "--chunk", "8", "--steps", "2", "--drawers", "0"]
    done = lensbench("pretrain", *words, "--out", out)
    assert done.code == 0, done.err
    name = f"small-resnet:view=0.2,weights={out}"
    assert f"--encoder {name} …" in done.out
    assert "small-resnet:view=0.2,weights=FOLDER" in (out / "README.md").read_text()
    encoder, weights = encoder_of(name), _weights(out)
    assert encoder.view.side == 32
    assert all(torch.equal(weights[key], one) for key, one in encoder.encoder.state_dict().items())


@pytest.mark.slow
def test_a_killed_pretraining_goes_on_to_the_same_bits(tmp_path, lensbench, model):
    """Killed after a checkpoint and resumed, it has the weights of one that ran through."""
    folder = tmp_path / "killed"
    words = [*WORDS, "--steps", "12", "--probes", "2", "--probe-scenes", "24"]
    words += ["--checkpoint-minutes", "0", "--quiet", "--out", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-c", "from lensbench.cli import main; main()", *words]
    )
    log = folder / "log.csv"

    def begun() -> bool:
        return log.exists() and len(log.read_text().splitlines()) > 4

    assert killed_when(process, begun) == -signal.SIGKILL
    assert not (folder / "model.safetensors").exists()
    assert lensbench(*words).code == 2  # it is there, and --resume was not said
    assert lensbench(*words, "--resume").code == 0
    one, other = _weights(model), _weights(folder)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    with log.open() as lines:
        assert [int(row["step"]) for row in csv.DictReader(lines)] == list(range(1, 13))


@pytest.mark.slow
def test_two_processes_do_not_pretrain_in_one_folder(tmp_path, lensbench, model):
    """A scheduler that repeats its command while the first still runs changes nothing."""
    folder = tmp_path / "shared"
    words = [*WORDS, "--steps", "12", "--probes", "2", "--probe-scenes", "24"]
    words += ["--resume", "--quiet", "--out", str(folder)]
    command = [sys.executable, "-c", "from lensbench.cli import main; main()", *words]
    first = subprocess.Popen(command)
    while first.poll() is None and not (folder / "chunks").exists():
        time.sleep(0.01)
    second = lensbench(*words)
    assert second.code == 2
    line, hint = second.err.strip().splitlines()
    assert line == f"error: another process is pretraining in {str(folder)!r}"
    assert "--out" in hint
    assert first.wait(timeout=1200) == 0
    one, other = _weights(model), _weights(folder)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not list(folder.glob("*.writing")) and not (folder / ".lock").exists()


@pytest.mark.slow
def test_the_result_is_a_model_with_a_card(model, catalogue):
    """Weights, configuration, card, probes and a look at what is restored are in the folder."""
    config = json.loads((model / "config.json").read_text())
    assert config["options"] == {"width": 16, "depth": 1, "heads": 2}
    assert config["images"]["sides"] == {"euclid-vis": 64, "hst-acs": 128}
    card = (model / "README.md").read_text()
    assert config["labels"] == [] and "pretrained without labels" in card
    assert config["command"] in card and "theta_E | r2" in card and config["sha256"] in card
    assert (model / "reconstructions.png").read_bytes().startswith(b"\x89PNG")
    assert not (model / "chunks").exists() and not (model / "checkpoints").exists()
    encoder = catalogue.build("encoder", f"mae-vit:weights={model}", channels=1)
    stored = _weights(model)
    assert all(torch.equal(value, stored[name]) for name, value in encoder.state_dict().items())


@pytest.mark.slow
def test_the_model_is_a_module_without_lensbench(model, catalogue, tmp_path):
    """Three lines of torch alone give the features that lensbench gives."""
    from lensbench import condition_of, stretch

    vector = condition_of("euclid-vis").vector()
    images = 3 * torch.randn(5, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.save(images, tmp_path / "images.pt")
    code = (
        f"import torch\nimages = torch.load({str(tmp_path / 'images.pt')!r})\n"
        f"model = torch.export.load({str(model / 'model-64.pt2')!r}).module()\n"
        f"torch.save(model(images, torch.tensor({vector})), {str(tmp_path / 'features.pt')!r})\n"
        "import sys\nassert not any(name.startswith('lensbench') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=1200)
    encoder = catalogue.build("encoder", f"mae-vit:weights={model}", channels=1).eval()
    with torch.no_grad():
        expected = encoder(stretch(images), torch.tensor(vector)).pooled
    assert torch.allclose(torch.load(tmp_path / "features.pt"), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--conditions", "euclid-vis"], "needs two conditions"),
        (["--populations", "pedagogical,deeplense-iv"], "channels=3"),
        (["--populations", "nowhere"], "nowhere"),
        (["--uses", "0"], "uses is 0"),
        (["--pretraining", "none"], "needs no images"),
        (["--processes", "9"], "cannot be divided among 9"),
        (["--shards", "absent.h5"], "absent.h5"),
        (["--resume", "--uses", "0"], "uses is 0"),
        (["--resume", "--conditions", "euclid-vis"], "needs two conditions"),
    ],
)
def test_a_mistake_is_one_line(lensbench, tmp_path, words, told):
    """The line names what is wrong; nothing is trained."""
    result = lensbench(*WORDS, "--steps", 2, "--out", tmp_path / "model", "--quiet", *words)
    assert result.code == 2
    lines = result.err.strip().splitlines()
    assert lines[0].startswith("error: ") and told in lines[0] and len(lines) <= 2
    assert not (tmp_path / "model").exists()


def test_a_refused_start_leaves_an_empty_folder_empty(lensbench, tmp_path):
    """So the mended command can be given."""
    words = (*WORDS, "--steps", 2, "--out", tmp_path, "--quiet", "--conditions", "euclid-vis")
    assert lensbench(*words).code == 2
    assert list(tmp_path.iterdir()) == []


def test_who_stops_it_is_told_how_to_go_on(lensbench, tmp_path, monkeypatch):
    """Ctrl-C names --resume, and what was begun stays."""
    from lensbench.pretraining.training import StreamingObjective

    steps = []

    def forward(*_):
        steps.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(StreamingObjective, "forward", forward)
    words = (*WORDS, "--steps", 2, "--probes", 0, "--out", tmp_path / "model", "--quiet")
    done = lensbench(*words)
    assert done.code == 130 and "--resume goes on" in done.err and steps
    assert (tmp_path / "model" / "recipe.json").exists()


@pytest.mark.slow
def test_two_processes_train_as_one_and_go_on_to_the_same_bits(tmp_path, lensbench, monkeypatch):
    """Divided, the weights of whole batches to rounding; killed and resumed, its own bits."""
    monkeypatch.setattr("lensbench.pretraining.result.export_encoder", lambda *_: "not asked")
    words = [
        "pretrain", "--encoder", "mae-vit:width=16,depth=1,heads=2", "--pretraining", "supervised",
        "--batch-size", "9", "--chunk", "8", "--window", "3", "--uses", "2", "--steps", "4",
        "--drawers", "0", "--probes", "0", "--checkpoint-minutes", "0", "--quiet",
    ]  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(SingleProcess, "differentiate", of_the_scenes_of_several)
        assert lensbench(*words, "--out", tmp_path / "one").code == 0
    card = (tmp_path / "one" / "README.md").read_text()
    assert "pretrained on labels of simulated scenes: `substructure`." in card
    words += ["--processes", "2"]
    assert lensbench(*words, "--out", tmp_path / "two").code == 0
    folder = tmp_path / "killed"
    code = (
        "import os, signal\n"
        "from lensbench.cli import main\n"
        "from lensbench.pretraining import training\n"
        "told = training._Watch.told\n"
        "def watch(self, progress):\n"
        "    told(self, progress)\n"
        "    if progress.done == 3:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "training._Watch.told = watch\n"
        "main()\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, *words, "--out", folder], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert lensbench(*words, "--out", folder).code == 2
    assert lensbench(*words, "--out", folder, "--resume").code == 0
    one, two, resumed = (_weights(tmp_path / name) for name in ("one", "two", "killed"))
    assert all(torch.equal(two[name], resumed[name]) for name in two)
    for name in one:
        if (
            "qkv.bias" not in name
        ):  # of keys there is no gradient but rounding, as of single weights
            assert float((two[name] - one[name]).abs().mean()) < 2e-6, name


def of_the_scenes_of_several(team, loss_of, indices, generator, step):
    """A step of one process that takes the scenes of several."""
    common = torch.Generator().manual_seed(
        seed_of("share", seed_of("pretraining", "supervised", 0), step)
    )
    team.common = lambda _: common
    loss = loss_of(indices, generator)
    loss.backward()
    return loss.item()


def test_another_recipe_is_refused(lensbench, tmp_path):
    """A folder is gone on with by its own command alone; the line names what differs."""
    from lensbench.pretraining.recipe import Recipe

    recipe = Recipe("e", "p", "d", ("a",), ("c",), steps=3, batch_size=2)
    recipe.keep(tmp_path / "model", resume=False)
    recipe.keep(tmp_path / "model", resume=True)
    file = tmp_path / "model" / "recipe.json"
    written = json.loads(file.read_text())
    del written["processes"]  # as an earlier version had it
    file.write_text(json.dumps(written))
    recipe.keep(tmp_path / "model", resume=True)
    other = Recipe("e", "p", "d", ("a",), ("c",), steps=4, batch_size=2)
    with pytest.raises(Exception, match="steps=3, asked for is 4"):
        other.keep(tmp_path / "model", resume=True)
