"""``entry.preview()``: something of every kind of value, bounded, without running code and without a note that it was used."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isfdb.display.parts_read import first_part
from isfdb.display.previewing import preview_of


def test_a_long_array_is_a_line_and_its_extremes(db: Any):
    db["trace"] = np.sin(np.arange(1000) / 50)
    shown = db.entry("trace").preview()
    assert (shown.kind, shown.key, shown.version) == ("numbers", "trace", 1)
    assert len(shown.text) == 60
    assert shown.note == "smallest -0.999999 · mean 0.0291384 · largest 0.999996"
    assert "<polyline" in shown.html
    assert shown._repr_mimebundle_()["text/plain"] == str(shown)


def test_of_a_table_the_head_is_shown_and_the_rest_counted(db: Any):
    pandas = pytest.importorskip("pandas")
    db["rates"] = pandas.DataFrame({f"c{n}": np.arange(50.0) for n in range(14)})
    shown = db.entry("rates").preview()
    assert shown.kind == "table"
    assert shown.note == "44 more rows and 4 more columns"
    assert "c9" in shown.text
    assert "c10" not in shown.text + shown.body


@pytest.mark.parametrize(
    ("value", "kind", "part"),
    [
        ("hello\nworld", "text", "world"),
        (2.5, "text", "2.5"),
        ({"a": [1, 2]}, "text", "'a': [1, 2]"),
        (b"\x89PNG rest", "text", "89 50 4e 47"),
        (np.arange(3), "numbers", "[0 1 2]"),
        (np.zeros((4, 5, 6)), "numbers", "[0]:"),
        (np.array(["a", "b"]), "numbers", "'a' 'b'"),
    ],
)
def test_plain_values_are_shown_as_they_are(db: Any, value: Any, kind: str, part: str):
    db["x"] = value
    shown = db.entry("x").preview()
    assert shown.kind == kind
    assert part in str(shown)


def test_of_an_array_that_is_too_large_pieces_are_read_from_all_over_it(db: Any):
    db["ramp"] = np.arange(200_000.0)
    shown = db.entry("ramp").preview(max_bytes=100_000)
    assert "in 256 stretches" in shown.note
    assert "largest 199999" in shown.note
    assert shown.text[0] < shown.text[-1]


def test_of_a_compressed_array_that_is_too_large_the_beginning_is_read(db: Any):
    pytest.importorskip("zarr")
    db.set("noise", np.random.default_rng(1).random((1000, 50)), dumper="numpy_to_zarr")
    assert "the first 25 × 50 of 1,000 × 50" in db.entry("noise").preview(max_bytes=10_000).note


@pytest.mark.parametrize(
    ("shape", "nbytes", "limit", "part"),
    [((100,), 800, 80, (10,)), ((10, 100), 8000, 1600, (2, 100)), ((10, 100), 8000, 80, (1, 10)), ((3,), 24, 10**6, (3,))],
)
def test_the_first_part_of_an_array_keeps_to_the_limit(shape: tuple[int, ...], nbytes: int, limit: int, part: tuple[int, ...]):
    assert tuple(one.stop for one in first_part(shape, nbytes, limit)) == part


def test_a_text_that_is_too_large_is_not_loaded(db: Any):
    db["text"] = "x" * 10_000
    shown = db.entry("text").preview(max_bytes=1000)
    assert shown.kind == "facts"
    assert "cannot be read in part" in shown.note


def test_what_would_run_code_is_not_loaded_not_even_ones_own(db: Any):
    db.set("set", {1, 2}, dumper="to_pickle")
    (Path(db.entry("set").path) / "data.pkl").unlink(missing_ok=True)
    assert "a preview never does" in db.entry("set").preview().note
    assert "a preview never does" in str(db.versions("set")[0].preview())


def test_a_value_whose_spec_names_another_loader_is_not_loaded(db: Any):
    import json

    db["x"] = 1.5
    folder = Path(db.entry("x").path)
    spec = json.loads((folder / "Loader.json").read_bytes())
    (folder / "Loader.json").write_text(json.dumps({**spec, "Loader": "loaderdumpers.to_pickle"}))
    assert db.entry("x").preview().kind == "nothing"


def test_files_are_listed_and_the_head_of_a_text_is_shown(db: Any, tmp_path: Path):
    (tmp_path / "table.csv").write_text("a,b\n" + "1,2\n" * 5000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.bin").write_bytes(b"\0" * 3000)
    db.attach("table", tmp_path / "table.csv")
    db.attach("folder", tmp_path / "folder")
    assert "a,b" in db.entry("table").preview().text
    assert "the first 4.00 kB of 20.0 kB" in db.entry("table").preview().note
    assert re.search(r"x\.bin +3\.00 kB", db.entry("folder").preview().text)
    (Path(db.create_managed_folder("mine")) / "note.txt").write_text("x")
    assert "note.txt" in db.entry("mine").preview().text


def test_a_link_in_an_attachment_is_not_followed(db: Any, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tmp_path / "note.txt").write_text("note")
    db.attach("note", tmp_path / "note.txt")
    attached = Path(db.entry("note").path) / "attached" / "note.txt"
    attached.unlink()
    attached.symlink_to(secret)
    shown = db.entry("note").preview()
    assert "secret" not in shown.text.replace("secret.txt", "") + shown.html


def test_a_figure_is_a_picture(db: Any):
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, axes = plt.subplots(figsize=(4, 2))
    axes.set_title("Rate")
    db["figure"] = figure
    plt.close(figure)
    shown = db.entry("figure").preview()
    assert shown.kind == "picture"
    assert "400 × 200 pixels" in shown.text
    assert 'alt="Figure figure: Rate"' in shown.html


def test_damage_is_told_in_a_line(db: Any):
    db["x"] = np.arange(1000.0)
    (Path(db.entry("x").path) / "data.npy").unlink()
    shown = db.entry("x").preview()
    assert shown.kind == "nothing"
    assert "data.npy is missing" in shown.note


def test_a_read_that_hangs_is_given_up(db: Any):
    import threading

    db["x"] = 1
    never = threading.Event()
    began = time.monotonic()
    shown = preview_of(db.entry("x").newest, lambda **_: never.wait(60), max_s=0.05)
    never.set()
    assert time.monotonic() - began < 30
    assert "could not be read within 50 ms" in shown.note


def test_a_deleted_version_says_so(db: Any):
    db["x"] = 1
    del db["x"]
    assert "It was deleted." in str(db.versions("x")[-1].preview())


def test_previews_are_plain_values_too(db: Any):
    db["x"] = 1
    assert db.entry("x").preview().to_json() == {"key": "x", "version": 1, "what": "int 1", "kind": "text", "text": "1", "note": None}


def test_everything_in_a_preview_is_escaped(db: Any):
    pandas = pytest.importorskip("pandas")
    payload = "<script>alert(1)</script>"
    db[payload.replace("/", "∕")] = payload
    db["frame"] = pandas.DataFrame({payload: [payload]})
    for key in db.keys():
        assert "<script" not in db.entry(key).preview().html
