"""Tables of images, and tables beside images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from astropy.table import Table
from tests.unit.data.images_on_disk import image, save

from lensbench import DataError
from lensbench.data.layouts import open_source, open_sources


@pytest.mark.parametrize("form", ["hdf5", "parquet", "saved"])
def test_multimodal_universe(form: str, tmp_path: Path) -> None:
    """Bands, scale, width of the PSF and inverse variance of every image are taken."""
    count, bands, side = 3, ["DES-G", "DES-R", "DES-I"], 16
    images = image(0, count, 3, side, side)
    if form == "hdf5":
        path = tmp_path / "001-of-001.hdf5"
        with h5py.File(path, "w") as file:
            file["image_array"], file["image_ivar"] = images, np.full_like(images, 4.0)
            file["image_mask"] = np.ones(images.shape, bool)
            file["image_band"] = np.array([[b.encode() for b in bands]] * count)
            file["image_psf_fwhm"] = np.full((count, 3), 1.1, "f4")
            file["image_scale"] = np.full((count, 3), 0.262, "f4")
            file["object_id"], file["ra"] = np.arange(count), np.linspace(0, 1, count)
    else:
        path = _multimodal_datasets(tmp_path, images, bands, form)
    source = open_source(path)
    assert len(source.items) == count
    for index in range(count):
        picture = source.read(index)
        assert np.array_equal(picture.pixels, images[index])
        assert picture.bands == tuple(bands)
        assert picture.pixel_scale == pytest.approx(0.262)
        assert picture.psf_fwhm == pytest.approx(1.1)
        assert picture.noise is not None and np.allclose(picture.noise, 0.5)
        assert picture.mask is None or not picture.mask.any()


def _multimodal_datasets(folder: Path, images: np.ndarray, bands: list[str], form: str) -> Path:
    import datasets

    datasets.disable_progress_bars()
    side = images.shape[-1]
    plane = datasets.Array2D((side, side), "float32")
    number = datasets.Value("float32")
    struct = {
        "band": datasets.Value("string"),
        "array": plane,
        "ivar": plane,
        "psf_fwhm": number,
        "scale": number,
    }
    features = datasets.Features(
        {"image": datasets.Sequence(struct), "object_id": datasets.Value("string")}
    )
    ivar = [np.full((side, side), 4.0, "f4")] * 3
    rows = [
        {"image": {"band": bands, "array": list(one), "ivar": ivar, "psf_fwhm": [1.1] * 3,
                   "scale": [0.262] * 3}, "object_id": str(i)}
        for i, one in enumerate(images)
    ]  # fmt: skip
    made = datasets.Dataset.from_list(rows, features=features)
    if form == "saved":
        made.save_to_disk(str(folder / "saved"))
        return folder / "saved"
    made.to_parquet(str(folder / "a.parquet"))
    return folder / "a.parquet"


def test_several_tables_are_one(tmp_path: Path) -> None:
    """Tables named after splits are merged; what has no row or no image is named."""
    names = [f"{k / 10:.6f}_{k}.npy" for k in range(7)]
    for k, name in enumerate(names):
        save(tmp_path / "lens_data" / name, image(k, 16, 16))
    np.save(tmp_path / "y.npy", np.arange(7) / 10)
    parts = {"train": names[:3], "val": names[3:4], "test": [*names[4:6], "absent.npy"]}
    for split, members in parts.items():
        rows = [f"{i},{name},{0.4 + i}" for i, name in enumerate(members)]
        (tmp_path / f"{split} description.csv").write_text(
            "\n".join([",filename,mass [M_sun]", *rows])
        )
    source = open_source(tmp_path)
    assert Counter(item.split for item in source.items) == {
        "train": 3, "val": 1, "test": 2, "": 1,
    }  # fmt: skip
    masses = source.columns["mass"]
    assert masses.unit == "M_sun"
    assert np.allclose(masses.values, [0.4, 1.4, 2.4, 0.4, 0.4, 1.4, np.nan], equal_nan=True)
    said = " ".join(source.left_out)
    assert f"for 1 images: {names[6]}" in said and "1 rows of" in said and "absent.npy" in said
    assert "y.npy" in said


def test_tables_that_disagree_are_refused(tmp_path: Path) -> None:
    """Two values for one image: both tables, the column and the values are named."""
    save(tmp_path / "1.npy", image(0, 16, 16))
    (tmp_path / "a.csv").write_text("file,mass\n1.npy,2\n")
    (tmp_path / "b.csv").write_text("file,mass\n1.npy,3\n")
    with pytest.raises(DataError, match=r"a\.csv.*b\.csv.*disagree on 'mass' of '1\.npy'"):
        open_source(tmp_path)


@pytest.mark.parametrize("form", ["csv", "ecsv", "parquet", "fits"])
@pytest.mark.parametrize(
    "named", ["{label}/{i}.npy", "{label}\\{i}.npy", "data/set/{label}/{i}.npy"]
)
def test_every_form_of_a_table_beside_class_folders(form: str, named: str, tmp_path: Path) -> None:
    """Radii and their unit are those of the row that names the image, by any of its paths."""
    root = tmp_path / "set"
    rows: dict[str, list[object]] = {"path": [], "theta_E": []}
    for number, label in enumerate(("lens", "galaxy")):
        for i in range(2):
            shown = i if "data" not in named else f"{label[0]}{i}"
            save(root / label / f"{shown}.npy", image(10 * number + i, 16, 16))
            rows["path"].append(named.format(label=label, i=shown))
            rows["theta_E"].append(1 + i / 10 + number)
    table = Table(rows, units={"theta_E": "mas"})
    if form == "csv":
        table.rename_column("theta_E", "theta_E [mas]")
        table.write(root / "t.csv")
    elif form == "parquet":
        pl.DataFrame({"path": rows["path"], "theta_E [mas]": rows["theta_E"]}).write_parquet(
            root / "t.parquet"
        )
    else:
        table.write(root / f"t.{form}")
    source = open_source(root)
    assert [item.label for item in source.items] == ["galaxy", "galaxy", "lens", "lens"]
    assert source.columns["theta_E"].values == pytest.approx([2.0, 2.1, 1.0, 1.1])
    assert source.columns["theta_E"].unit == "mas"


def test_a_parquet_of_labels_is_no_file_of_images(tmp_path: Path) -> None:
    """Beside single images it is their table."""
    for i in range(3):
        save(tmp_path / f"o{i}.npy", image(i, 16, 16))
    frame = pl.DataFrame({"file": ["o0", "o1", "o2"], "label": ["lens", "galaxy", "lens"]})
    frame.write_parquet(tmp_path / "labels.parquet")
    assert [item.label for item in open_source(tmp_path).items] == ["lens", "galaxy", "lens"]


def test_rows_that_name_one_image_in_two_ways_are_of_that_image(tmp_path: Path) -> None:
    """`o0.npy` and `o0` are one image: equal numbers agree, others are refused."""
    save(tmp_path / "o0.npy", image(0, 16, 16))
    (tmp_path / "a.csv").write_text("file,mass\no0.npy,2\n")
    (tmp_path / "b.csv").write_text("file,mass,kind\no0,2.0,ring\n")
    source = open_source(tmp_path)
    assert source.columns["mass"].values.tolist() == [2.0]
    assert source.items[0].label == "ring" and not source.left_out
    (tmp_path / "b.csv").write_text("file,mass\no0,3\n")
    with pytest.raises(DataError, match="disagree on 'mass'"):
        open_source(tmp_path)


def test_a_row_of_two_images_is_refused(tmp_path: Path) -> None:
    """Both folders have a `0.npy`: the row `0` may be of either."""
    for label in ("lens", "galaxy"):
        save(tmp_path / label / "0.npy", image(len(label), 16, 16))
    (tmp_path / "t.csv").write_text("id,theta_E\n0,1.2\n")
    with pytest.raises(DataError, match=r"row '0' .* 'galaxy/0\.npy' and of 'lens/0\.npy'"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("column", "scale"), [("pixel_scale", 0.05), ("PIXSCALE [mas]", 50), ("pix_scale_arcsec", 0.05)]
)
def test_pixel_scales_and_units_of_a_table(column: str, scale: float, tmp_path: Path) -> None:
    """A column of pixel scales is used in its unit; a name that ends in a unit states it."""
    for k in range(2):
        save(tmp_path / f"{k}.npy", image(k, 12, 12))
    rows = [f"file,{column},einstein_radius_mas", f"0.npy,{scale},900", f"1.npy,{scale},950"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    source = open_source(tmp_path)
    assert [source.read(i).pixel_scale for i in (0, 1)] == pytest.approx([0.05, 0.05])
    assert source.columns["einstein_radius"].unit == "mas"
    assert source.columns["einstein_radius"].values.tolist() == [900, 950]


def test_a_table_above_that_names_no_image_of_the_folder_is_not_spoken_of(tmp_path: Path) -> None:
    """One that names them and cannot be used is."""
    for number in range(3):
        save(tmp_path / "images" / f"galaxy-{number}.npy", image(number, 16, 16))
    (tmp_path / "timings.csv").write_text("name,seconds\nsuite,1\nsuite,2\n")
    assert not open_source(tmp_path / "images").left_out
    (tmp_path / "labels.csv").write_text("name,mass\ngalaxy-1,1\ngalaxy-1,2\n")
    [reason] = open_source(tmp_path / "images").left_out
    assert reason.startswith("labels.csv, in the folder above:")


def test_images_beside_a_table_of_images_are_no_tables(tmp_path: Path) -> None:
    """Also where the table's name is the first: two sets, the folder's images and the table's."""
    Table({"name": ["x", "y"], "image": image(0, 2, 16, 16)}).write(tmp_path / "a.fits")
    for number, name in enumerate("bc"):
        fits.writeto(tmp_path / f"{name}.fits", image(number, 16, 16))
    found = {Path(one.path).name: len(one.items) for one in open_sources(tmp_path)}
    assert found == {tmp_path.name: 2, "a.fits": 2}


CELLS = {
    "utf-16": ("file,theta_E\r\n", "{},{}\r\n", "utf-16"),
    "mark": ("\ufefffile,theta_E\r\n", "{},{}\r\n", "utf-8"),
    "windows": ("file,theta_E,galaxié\n", "{},{},é\n", "cp1252"),
    "quoted": ('"file" , "theta_E"\n', '"{}" , "{}"\n', "utf-8"),
    "semicolon": ("file;theta_E\n", "{};{}\n", "utf-8"),
    "decimal comma": ("Image_Name;theta_E;z\r\n", "{};{};0,5\r\n", "cp1252"),
    "tab and comma": ("id\ttheta_E\n", "{}\t{}\n", "utf-8"),
    "lines of JSON": ("", '{{"theta_E": {1}, "file_name": "{0}", "box": [1, 2]}}\n', "utf-8"),
}


@pytest.mark.parametrize("form", CELLS)
def test_tables_as_other_programs_write_them(form: str, tmp_path: Path) -> None:
    """Whatever the marks, the code of letters and the decimal point, the numbers are the same."""
    head, row, code = CELLS[form]
    radii = [0.75, 1.25, 2.0]
    comma = "comma" in form
    texts = [str(radius).replace(".", ",") if comma else radius for radius in radii]
    for k in range(3):
        save(tmp_path / f"{k}.npy", image(k, 16, 16))
    rows = [row.format(f"{k}.npy", texts[k]) for k in range(3)]
    name = "metadata.jsonl" if "JSON" in form else "t.tsv" if "\t" in head else "t.csv"
    (tmp_path / name).write_bytes((head + "".join(rows)).encode(code))
    source = open_source(tmp_path)
    assert source.columns["theta_E"].values.tolist() == radii
    assert source.left_out == ()


def test_a_votable_has_numbers_and_units(tmp_path: Path) -> None:
    """It is a table like the others."""
    for k in range(3):
        save(tmp_path / f"{k}.npy", image(k, 16, 16))
    table = Table({"file": ["0.npy", "1.npy", "2.npy"], "theta_E": [750.0, 1250.0, 2000.0]})
    table["theta_E"].unit = "mas"
    table.write(tmp_path / "t.vot", format="votable")
    column = open_source(tmp_path).columns["theta_E"]
    assert column.values.tolist() == [750.0, 1250.0, 2000.0] and column.unit == "mas"


@pytest.mark.parametrize("form", ["csv", "parquet", "npz"])
def test_classes_that_are_whole_numbers_have_no_decimal_point(form: str, tmp_path: Path) -> None:
    """1.0 and 0.0 are the classes 1 and 0, so that lens finding takes them."""
    labels = [0.0, 1.0, 1.0, 0.0]
    images = image(0, 4, 16, 16)
    path = tmp_path / "images.parquet" if form == "parquet" else tmp_path / "images.npz"
    if form == "csv":
        path = tmp_path
        for k in range(4):
            save(tmp_path / f"{k}.npy", images[k])
        rows = [f"{k}.npy,{labels[k]}\n" for k in range(4)]
        (tmp_path / "t.csv").write_text("file,label\n" + "".join(rows))
    elif form == "parquet":
        pl.DataFrame({"image": images.tolist(), "label": labels}).write_parquet(path)
    else:
        np.savez(path, images=images, labels=labels)
    assert [item.label for item in open_source(path).items] == ["0", "1", "1", "0"]


@pytest.mark.parametrize("first", ["class", 0, 1])
def test_a_table_beside_a_stack(first: str | int, tmp_path: Path) -> None:
    """Rows that state the number of their image are of this image; others follow the images."""
    images, names = image(0, 5, 16, 16), ["a", "b", "b", "a", "b"]
    np.save(tmp_path / "images.npy", images)
    rows = [f"{names[k]},{k / 4}" for k in range(5)]
    head = "class,mass"
    if not isinstance(first, str):
        rows, head = [f"{first + k},{row}" for k, row in enumerate(rows)][::-1], f"id,{head}"
    (tmp_path / "t.csv").write_text("\n".join([head, *rows]))
    source = open_source(tmp_path)
    assert [item.label for item in source.items] == names
    assert source.columns["mass"].values.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert np.array_equal(source.read(3).pixels[0], images[3])
    pl.read_csv(tmp_path / "t.csv").write_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("\n".join([head, *rows[:3]]))
    source = open_source(tmp_path)
    assert [item.label for item in source.items] == names
    assert source.left_out == ("t.csv: 3 rows for 5 images",)


def test_numbers_that_are_not_known_and_cells_that_are_no_numbers(tmp_path: Path) -> None:
    """Dashes and n/a are unknown numbers; a column that a stray cell spoils is named."""
    for k in range(5):
        save(tmp_path / f"{k}.npy", image(k, 16, 16))
    mass, radius = ["1.5", "-", "n/a", "NaN", "2.5"], ["1.0", "1.1", "1.2*", "1.3", "1.4"]
    rows = [f"{k}.png,{mass[k]},{radius[k]}" for k in range(5)]
    (tmp_path / "t.csv").write_text("\n".join(["file,mass,theta_E", *rows]))
    source = open_source(tmp_path)
    expected = [1.5, np.nan, np.nan, np.nan, 2.5]
    assert np.array_equal(source.columns["mass"].values, expected, equal_nan=True)
    assert source.left_out == ("column 'theta_E' of t.csv: 1.2* are no numbers",)
