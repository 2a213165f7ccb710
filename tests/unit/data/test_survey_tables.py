"""Tables of surveys and of their users: which row is of which image, in every form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from tests.unit.data.images_on_disk import save
from tests.unit.data.objects_on_disk import (
    COUNT,
    KINDS,
    RADII,
    at,
    check_labels_and_radii,
    number_of,
    picture,
)

from lensbench.data.layouts import open_source

NAMES = {
    "a number between other numbers": ("COSMOS_{}_F814W_v2.npy", "NUMBER", "{}"),
    "leading zeros": ("stamp_{:05d}.npy", "ID", "{}"),
    "another mark": ("SDSSJ{}-0004_F814W.npy", "Name", "SDSS J{}-0004"),
    "with spaces and capitals": ("sl2s j{} r.npy", "system", "SL2S J{}"),
    "the first of two columns of numbers": ("{}-cutout-9813-pdr2.npy", "rank", "{}"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_row_is_found_by_a_part_of_the_name(kind: str, tmp_path: Path) -> None:
    """Whichever word, words or number of the names of files the table has."""
    file, column, name = NAMES[kind]
    rows = [f"{column},object_id,label,theta_E"]
    for k in reversed(range(COUNT)):
        save(tmp_path / file.format(101 + 37 * k), picture(k))
        rows.append(f"{name.format(101 + 37 * k)},{10**15 + k},{KINDS[k]},{RADII[k]}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    check_labels_and_radii(open_source(tmp_path))


@pytest.mark.parametrize("form", ["degrees", "hours"])
def test_a_row_is_found_by_its_position(form: str, tmp_path: Path) -> None:
    """A catalogue without names of files, whose targets are no classes, and which lists others."""
    rows = ["Target,RA_J2000,DEC_J2000,class,theta_E"]
    for k in range(COUNT):
        fits.writeto(tmp_path / f"{'abcdef'[k]}.fits", picture(k), at(150 + k / 100))
    for k in reversed(range(COUNT)):
        seconds = f"10:00:{k * 2.4:05.2f}", "+02:00:00.2"
        degrees = f"{150 + k / 100 + 5e-5}", "2.0001"
        place = ",".join(degrees if form == "degrees" else seconds)
        rows.append(f"target {k},{place},{KINDS[k]},{RADII[k]}")
    rows.append("target 9,10:30:00,+05:00:00,lens,9" if form == "hours" else "target 9,1,2,lens,9")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    source = open_source(tmp_path)
    check_labels_and_radii(source)
    assert any("no image for 1 rows of t.csv" in one for one in source.left_out)


def as_text(form: str, names: list[str]) -> dict[str, str]:
    """Files of a table in a form, by their names."""
    rows = [
        {"file": name, "label": kind, "theta_E": radius}
        for name, kind, radius in zip(names, KINDS, RADII, strict=True)
    ]
    lines = [" ".join(map(str, row.values())) for row in rows]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    by_name = {row["file"]: {"label": row["label"], "theta_E": row["theta_E"]} for row in rows}
    numbered = {name: {str(k): v for k, v in enumerate(of)} for name, of in columns.items()}
    stems = [Path(name).stem for name in names]
    head = ["#Name: J/ApJ/682/964", "Name\tlabel\ttheta_E", "\t\tarcsec", "----\t---\t----"]
    tabbed = [line.replace(" ", "\t") for line in lines]
    text = "\n".join(["file label theta_E", *lines])
    forms = {
        "list": {"labels.json": json.dumps(rows)},
        "by name": {"a.json": json.dumps(by_name)},
        "columns": {"a.json": json.dumps(columns)},
        "pandas": {"a.json": json.dumps(numbered)},
        "one a file": {f"{n}.json": json.dumps(row) for n, row in zip(stems, rows, strict=True)},
        "gzip": {"a.csv.gz": text.replace(" ", ",")},
        "text": {"a.txt": text},
        "SExtractor": {"a.cat": "\n".join(["# 1 file", "# 2 label", "# 3 theta_E", *lines])},
        "VizieR": {"a.tsv": "\n".join([*head, *tabbed])},
    }
    return forms[form]


@pytest.mark.parametrize(
    "form",
    ["list", "by name", "columns", "pandas", "one a file", "gzip", "text", "SExtractor", "VizieR"],
)
def test_tables_of_text_in_other_forms(form: str, tmp_path: Path) -> None:
    """Beside them lie files of the same formats that are no tables of the images."""
    names = [f"img_{k}.npy" for k in range(COUNT)]
    for k, name in enumerate(names):
        save(tmp_path / name, picture(k))
    for file, content in as_text(form, names).items():
        packed = file.endswith(".gz")
        (tmp_path / file).write_bytes(
            gzip.compress(content.encode()) if packed else content.encode()
        )
    (tmp_path / "config.json").write_text('{"seed": 3, "telescope": "hst"}')
    (tmp_path / "notes.txt").write_text("these are\nthe notes of a person\n")
    (tmp_path / "log.txt").write_text("epoch loss\n" + "\n".join(f"{k} {k / 7}" for k in range(9)))
    source = open_source(tmp_path)
    check_labels_and_radii(source)
    said = {one.partition(":")[0] for one in source.left_out}
    assert said == {"config.json", "notes.txt", "log.txt"}


def test_classes_by_name_and_tables_without_a_head(tmp_path: Path) -> None:
    """JSON of a class for each name; `name class` a line, as of ImageNet."""
    names = [f"a{k}" for k in range(COUNT)]
    for folder in (tmp_path / "json", tmp_path / "text"):
        for k, name in enumerate(names):
            save(folder / f"{name}.npy", picture(k))
    classes = dict(zip(names, KINDS, strict=True))
    (tmp_path / "json" / "l.json").write_text(json.dumps(classes))
    lines = [f"{name}.npy {kind}" for name, kind in classes.items()]
    (tmp_path / "text" / "l.txt").write_text("\n".join(lines))
    for form in ("json", "text"):
        assert [item.label for item in open_source(tmp_path / form).items] == KINDS


def test_tables_in_the_folders_of_classes(tmp_path: Path) -> None:
    """Equal names of two folders are those of the table in each."""
    for n, kind in enumerate(["lens", "nonlens"]):
        for k in range(3):
            save(tmp_path / kind / f"{k}.npy", picture(3 * n + k))
        rows = "\n".join(f"{k}.npy,{RADII[3 * n + k]}" for k in range(3))
        (tmp_path / kind / "t.csv").write_text(f"file,theta_E\n{rows}")
    source = open_source(tmp_path)
    assert [item.label for item in source.items] == ["lens"] * 3 + ["nonlens"] * 3
    assert np.allclose(source.columns["theta_E"].values, RADII)


def test_tables_of_stacks_of_splits(tmp_path: Path) -> None:
    """`y_train.csv` and `y_test.csv` are of `X_train.npy` and `X_test.npy`, also without a head."""
    for split, numbers in (("train", [0, 1, 2, 3]), ("test", [4, 5])):
        np.save(tmp_path / f"X_{split}.npy", np.stack([picture(k) for k in numbers] * 4))
        (tmp_path / f"y_{split}.csv").write_text("\n".join(str(k % 2) for k in numbers * 4))
    source = open_source(tmp_path)
    for index, item in enumerate(source.items):
        number = number_of(source, index)
        assert (item.split, item.label) == ("test" if number > 3 else "train", str(number % 2))


def test_a_table_above_of_other_images_is_not_used(tmp_path: Path) -> None:
    """One row would be of the images of two classes: the table is named and left out."""
    for k in range(COUNT):
        save(tmp_path / "data" / KINDS[k] / f"{k // 2}.npy", picture(k))
    (tmp_path / "losses.csv").write_text("id,loss\n0,1.5\n1,2.5\n")
    source = open_source(tmp_path / "data")
    assert not source.columns
    assert any("losses.csv, in the folder above" in one for one in source.left_out)
