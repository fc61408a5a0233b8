"""What the other loaderdumpers do beyond the contract: small values, folders, attachments, pictures, damage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import isfdb
from loaderdumpers import attachment, figure, folder, to_bytes, to_cloudpickle, to_json, to_numpy_scalar


def test_a_small_value_needs_no_file_and_a_large_one_gets_one(tmp_path: Path) -> None:
    assert to_json.dump({"b": 1, "a": 2}, str(tmp_path)) == {"value": {"$dict": [["b", 1], ["a", 2]]}}
    assert not list(tmp_path.iterdir())
    assert to_json.dump("x" * 3000, str(tmp_path)) == {}
    assert (tmp_path / "data.json").read_text() == '"' + "x" * 3000 + '"\n'


def test_a_value_that_json_cannot_keep_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"builtins\.tuple is not one of"):
        to_json.dump([(1,)], str(tmp_path))
    with pytest.raises(TypeError, match="store it with to_cloudpickle"):
        to_json.dump(10**6000, str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_argument_of_a_newer_isfdb_is_named() -> None:
    with pytest.raises(ValueError, match="does not know the argument compression"):
        to_json.Loader(compression="zstd")


def test_bytes_lie_in_the_file_as_they_are(tmp_path: Path) -> None:
    to_bytes.dump(b"\x00abc", str(tmp_path))
    assert (tmp_path / "data.bin").read_bytes() == b"\x00abc"
    with pytest.raises(TypeError, match="convert with bytes"):
        to_bytes.dump(memoryview(b"a"), str(tmp_path))


def test_a_changed_scalar_is_not_loaded() -> None:
    with pytest.raises(ValueError, match="2 bytes for a <f8"):
        to_numpy_scalar.Loader(dtype="<f8", bytes="0000").get("")


def test_bytes_of_a_file_are_never_taken_for_the_address_of_an_object() -> None:
    with pytest.raises(ValueError, match="never stored in an open format"):
        to_numpy_scalar.Loader(dtype="|O", bytes="00" * 8).get("")


def test_a_function_of_a_notebook_comes_back(tmp_path: Path) -> None:
    to_cloudpickle.dump(lambda x: x + 1, str(tmp_path))
    assert to_cloudpickle.Loader().get(str(tmp_path))(1) == 2


def test_a_managed_folder_is_its_path(tmp_path: Path) -> None:
    folder.dump(None, str(tmp_path))
    found = folder.Loader().get(str(tmp_path))
    Path(found, "a.txt").write_text("1")
    assert (found.listdir(), os.fspath(found), found.join("a.txt"), found / "a.txt") == (
        ["a.txt"],
        str(tmp_path / "files"),
        str(tmp_path / "files" / "a.txt"),
        str(tmp_path / "files" / "a.txt"),
    )
    assert found.get_file("txt") == found.join("a.txt")
    with pytest.raises(ValueError, match="there is no such file"):
        found.get_file("csv")


def test_a_managed_folder_can_be_stored_elsewhere(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    folder.dump(None, str(tmp_path / "one"))
    found = folder.Loader().get(str(tmp_path / "one"))
    Path(found, "a.txt").write_text("1")
    folder.dump(found, str(tmp_path / "two"))
    assert folder.Loader().get(str(tmp_path / "two")).listdir() == ["a.txt"]
    with pytest.raises(NotADirectoryError, match="pass None"):
        folder.dump("/no/such/folder", str(tmp_path))


def test_a_database_can_be_the_value_of_a_key(db: Any) -> None:
    db.set("island", None, dumper="just_create_isf_db")
    db["island"]["a"] = 1
    assert (type(db["island"]) is isfdb.Database, db["island"]["a"], db["island"].id != db.id) == (True, 1, True)
    assert db.get("island", mode="r").read_only
    with pytest.raises(isfdb.errors.DumpError, match="pass None, then fill"):
        db.set("other", 1, dumper="just_create_isf_db")
    frozen = db.snapshot("island")
    db["island"]["a"] = 2
    assert db.get("island", version=frozen.number, mode="r")["a"] == 1
    assert list(isfdb.verify(db)) == []


def test_isfs_name_makes_a_folder(db: Any) -> None:
    db.set("raw", None, dumper="just_create_folder")
    Path(db["raw"].join("a.txt")).write_text("1")
    assert db["raw"].get_file(".txt") == db["raw"] / "a.txt"


def test_an_attachment_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="check the path"):
        attachment.dump("no-such-file", str(tmp_path))


def test_an_attachment_keeps_name_and_mode(tmp_path: Path) -> None:
    original = tmp_path / "Protokoll é.sh"
    original.write_text("#!/bin/sh\n")
    original.chmod(0o750)
    (tmp_path / "v1").mkdir()
    arguments = attachment.dump(original, str(tmp_path / "v1"))
    found = Path(attachment.Loader(**arguments).get(str(tmp_path / "v1")))
    assert (found.name, found.read_text(), found.stat().st_mode & 0o777) == (original.name, "#!/bin/sh\n", 0o750)


@pytest.mark.parametrize("name", ["..", "", "a/b", "../../etc/passwd", "a\\b"])
def test_an_attachment_cannot_lead_out_of_its_folder(name: str) -> None:
    with pytest.raises(ValueError, match="leads out of its folder"):
        attachment.Loader(name=name)


@pytest.fixture
def drawing() -> Any:
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(3, 2))
    drawing.subplots().set_title("Rate é")
    return drawing


def test_the_same_figure_gives_the_same_bytes(drawing: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        figure.dump(drawing, str(tmp_path / name))
    for picture in ("figure.svg", "figure.png"):
        assert (tmp_path / "one" / picture).read_bytes() == (tmp_path / "two" / picture).read_bytes()
    assert b"<dc:date>" not in (tmp_path / "one" / "figure.svg").read_bytes()


def test_a_picture_shows_itself_without_scripts(drawing: Any, tmp_path: Path) -> None:
    figure.dump(drawing, str(tmp_path), dpi=50)
    shown = figure.Loader().get(str(tmp_path))._repr_mimebundle_()
    assert sorted(shown) == ["image/png", "text/plain"]
    assert figure.describe(drawing) == {"type": "Figure", "inches": [3.0, 2.0], "axes": 1, "titles": ["Rate é"]}
