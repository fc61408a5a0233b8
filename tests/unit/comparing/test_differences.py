"""``isfdb.diff``: what its arguments mean, how stored values are compared, and what is told about their making."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.comparing.differences import stored_of
from isfdb.errors import KeyNotFoundError, LinkError, OptionError, VersionNotFoundError
from isfdb.exact_json import loads
from isfdb.manifest import seal


@pytest.fixture
def rates(db: Any) -> Any:
    """Return a database in which 'rates' has three versions."""
    for last in (1.0, 1.0, 3.0):
        db["rates"] = np.array([0.0, last])
    return db


def test_a_key_is_compared_with_its_version_before(rates: Any):
    for found in (isfdb.diff(rates, "rates"), isfdb.diff((rates, "rates")), isfdb.diff(rates.entry("rates"))):
        assert (found.names, found.subject, found.status) == (("v2", "v3"), "rates", "different")
        assert found
        assert not found.same


def test_an_earlier_version_is_compared_with_the_newest(rates: Any):
    assert isfdb.diff((rates, "rates", 1)).names == ("v1", "v3")
    assert isfdb.diff(rates.versions("rates")[0]).names == ("v1", "v3")


def test_the_same_bytes_are_identical_without_loading(rates: Any):
    found = isfdb.diff((rates, "rates", 1), (rates, "rates", 2))
    assert found.status == "identical"
    assert found.value.because.startswith("the same bytes")
    assert not found
    assert found.because == ""


def test_comparing_uses_no_value_up(rates: Any):
    isfdb.diff((rates, "rates", 1), (rates, "rates", 3))
    rates["made"] = 1
    assert rates.entry("made").inputs == ()


def test_links_versions_entries_and_values_mix(rates: Any):
    link = rates.versions("rates")[0].link
    assert isfdb.diff(link, rates.entry("rates")).names == ("v1", "v3")
    assert isfdb.diff(link, np.array([0.0, 1.0])).status == "identical"
    assert isfdb.diff(np.array([0.0, 1.0]), rates.versions("rates")[2]).status == "different"
    assert isfdb.diff("isfdb", "isfdb").same
    assert isfdb.diff(None, None).same


def test_two_keys_bear_their_names(rates: Any):
    rates["other"] = np.array([0.0, 4.0])
    assert isfdb.diff((rates, "rates"), (rates, "other")).names == ("rates@3", "other@1")


def test_other_formats_of_one_value_are_told_apart_from_other_values(rates: Any):
    rates.set("rates", np.array([0.0, 3.0]), dumper="numpy_to_zarr")
    found = isfdb.diff(rates, "rates")
    assert found.status == "identical"
    assert found.value.because == "the values are the same to the bit; the files that hold them differ"


def test_deleted_versions_are_passed_over_and_can_be_named(rates: Any):
    del rates["rates"]
    assert isfdb.diff((rates, "rates", 3), (rates, "rates", 4)).value.because == "v4 deleted the key"
    rates["rates"] = np.array([0.0, 3.0])
    assert isfdb.diff(rates, "rates").names == ("v3", "v5")


def test_what_cannot_be_compared_is_refused_with_advice(rates: Any):
    rates["once"] = 1
    with pytest.raises(VersionNotFoundError, match="version 1 only"):
        isfdb.diff(rates, "once")
    with pytest.raises(KeyNotFoundError, match="there is no key 'rate'"):
        isfdb.diff(rates, "rate")
    with pytest.raises(OptionError, match="a database is compared with a database, not with a value of type int"):
        isfdb.diff(rates, 1)
    with pytest.raises(OptionError, match="One argument is enough for a key"):
        isfdb.diff(rates)
    with pytest.raises(OptionError, match="has 4 members"):
        isfdb.diff((rates, "rates", 1, 2), 1)
    with pytest.raises(LinkError, match="is no link"):
        isfdb.diff("isfdb://nowhere", 1)


def test_two_databases_are_compared_by_key_and_digest(rates: Any, tmp_path: Path):
    rates["gone"] = 1
    other = isfdb.open(tmp_path / "other")
    rates["cells/same"] = other["cells/same"] = 42
    other["rates"], other["new"] = np.arange(5), 2
    found = isfdb.diff(rates, other)
    assert (found.only_first, found.only_second, found.n_same) == (("gone",), ("new",), 1)
    assert [key for key, _, _ in found.changed] == ["rates"]
    assert "! rates: ndarray 2 float64" in str(found)
    assert found
    assert isfdb.diff(rates["cells"], other["cells"]).same
    json.dumps(found.to_json(), allow_nan=False)


def test_an_untrusted_pickle_is_not_loaded(db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    class Thing:
        pass

    for number in range(2):
        db.set("thing", {"a": Thing, "n": number}, dumper="to_cloudpickle")
    assert isfdb.diff(db, "thing").status == "different"
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody else"))
    found = isfdb.diff(db, "thing")
    assert found.status == "not compared"
    assert "runs code" in found.value.because
    assert "their files differ: digest" in found.value.lines[0]
    assert isfdb.diff((isfdb.open(db.path, trust=True), "thing")).status == "different"


def test_a_reclaimed_version_is_compared_by_what_is_left(rates: Any):
    rates["rates"] = np.arange(3)
    record = rates.versions("rates")[2]
    os.remove(record.path / "data.npy")
    (record.path / "RECLAIMED").write_text("{}")
    found = isfdb.diff((rates, "rates", 3), (rates, "rates", 4))
    assert found.status == "different"  # the shapes that are on record
    assert "was reclaimed" in str(found)


def test_attached_files_are_compared_as_files(db: Any, tmp_path: Path):
    folder = tmp_path / "protocol"
    folder.mkdir()
    for text, more in (("a\nb\n", {}), ("a\nc\n", {"new.txt": "x"})):
        (folder / "notes.txt").write_text(text)
        for name, content in more.items():
            (folder / name).write_text(content)
        db.attach("protocol", folder)
    found = isfdb.diff(db, "protocol")
    assert "-b" in str(found)
    assert "only in the second: 'attached/protocol/new.txt'" in str(found)


def test_stored_figures_are_compared_by_their_pictures(db: Any):
    figure = pytest.importorskip("matplotlib.figure")
    for last in (1, 2):
        one = figure.Figure()
        one.add_subplot().plot([0, last])
        db["figure"] = one
    found = isfdb.diff(db, "figure")
    assert any(part.where == "figure.png" and "values of pixels differ" in part.because for part in found.value.parts)


def test_a_figure_drawn_again_by_the_same_code_is_the_same(db: Any):
    figure = pytest.importorskip("matplotlib.figure")
    for _ in range(2):
        one = figure.Figure()
        one.add_subplot().plot([0, 1])
        db["figure"] = one
    found = isfdb.diff(db, "figure")
    assert found.value.status in ("identical", "equal")


def test_values_that_isf_wrote_are_compared_like_others(tmp_path: Path):
    path = tmp_path / "isf"
    shutil.copytree(Path(__file__).parents[2] / "compatibility" / "data" / "isf" / "written_by_isf", path)
    db = isfdb.open(path)
    assert isfdb.diff((db, "numpy_to_npy"), db["numpy_to_npy"]).status == "identical"
    found = isfdb.diff((db, "numpy_to_npy"), (db, "default_df"))
    assert (found.status, len(found.axes)) == ("not compared", 6)  # a pickle of somebody else's
    assert isfdb.diff(db, db).same


# How they were made --------------------------------------------------------------------------------------------------------------


def edit(db: Any, key: str, number: int, **members: Any) -> None:
    """Change the record of a version, as if it had been made otherwise."""
    path = db.versions(key)[number - 1].path / "metadata.json"
    record = loads(path.read_bytes())
    path.write_text(seal({**record, **members}))


def test_the_making_is_told_by_axis(rates: Any):
    found = isfdb.diff(rates, "rates")
    assert [axis.name for axis in found.axes] == ["inputs", "code", "packages", "machine", "risks", "made"]
    assert found.axis("packages").status == "same"
    assert found.axis("machine").status == "same"
    assert "v2: 20" in found.axis("made").lines[0]


def test_inputs_that_changed_are_named(rates: Any):
    first = [
        {"value": "isfdb://a/raw@1", "digest": "a" * 64, "cell": 1},
        {"file": "/data/x.csv", "size": 3, "mtime": 1.0, "digest": "b" * 64},
    ]
    second = [
        {"value": "isfdb://a/raw@2", "digest": "c" * 64, "cell": 1},
        {"file": "/data/y.csv", "size": 3, "mtime": 1.0, "digest": "b" * 64},
    ]
    edit(rates, "rates", 2, used=first, risks=[])
    edit(rates, "rates", 3, used=second, risks=[])
    found = isfdb.diff(rates, "rates")
    axis = found.axis("inputs")
    assert (axis.status, axis.because) == ("differs", "3 of 3 inputs differ")
    assert f"isfdb://a/raw: version 1, digest {'a' * 12} → version 2, digest {'c' * 12}" in axis.lines
    assert {"/data/x.csv removed", "/data/y.csv added"} <= set(axis.lines)
    assert found.because.startswith("What may explain it: inputs (3 of 3 inputs differ)")


def test_an_input_that_was_not_digested_is_unknown_not_same(rates: Any):
    for number, mtime in ((2, 1.0), (3, 2.0)):
        edit(
            rates, "rates", number, used=[{"file": "/data/x.csv", "size": 3, "mtime": mtime, "digest": None, "because": "it is too large"}]
        )
    axis = isfdb.diff(rates, "rates").axis("inputs")
    assert axis.status == "unknown"
    assert axis.lines == ("/data/x.csv: the same size, another time; it is too large",)


def test_packages_that_were_imported_come_first(rates: Any):
    folder = Path(rates.path) / ".isfdb" / "environments"
    (digest,) = [path.stem for path in folder.glob("*.json")]
    record = loads((folder / f"{digest}.json").read_bytes())
    record["packages"] = {**record["packages"], "numpy": "1.0", "zzz-not-imported": "2"}
    (folder / f"{'0' * 32}.json").write_text(json.dumps(record))
    edit(rates, "rates", 3, environment="0" * 32)
    found = isfdb.diff(rates, "rates")
    axis = found.axis("packages")
    assert (axis.status, axis.because) == ("differs", "numpy; 1 that were not imported")
    assert axis.lines[0] == f"numpy {np.__version__} → 1.0"
    assert "What may explain it: packages (numpy" in found.because


def test_what_is_not_known_is_said_with_the_reason(rates: Any, tmp_path: Path):
    shutil.rmtree(Path(rates.path) / ".isfdb")
    found = isfdb.diff(rates, "rates")
    for name in ("inputs", "code", "packages", "machine"):
        assert found.axis(name).status == "unknown"
    assert "its record is not in this database" in found.axis("packages").lines[0]
    assert "Nothing that was recorded differs. Not known of both: inputs, code, packages, machine." in str(found)


def test_the_code_is_compared_without_its_comments(rates: Any):
    for number, code in ((2, "# cell [1], at noon\nx = 1\n"), (3, "# cell [7], at night\nx = 1\n")):
        (rates.versions("rates")[number - 1].path / "code.py").write_text(code)
    assert isfdb.diff(rates, "rates").axis("code").status == "same"
    (rates.versions("rates")[2].path / "code.py").write_text("# cell [7]\nx = '''\n# no comment\n'''\n")
    axis = isfdb.diff(rates, "rates").axis("code")
    assert axis.because == "the slice: 1 line removed, 3 added"
    assert "# cell" not in axis.text
    assert "+# no comment" in axis.text


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in git, with a module that scripts import."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "helper.py").write_text("def rate():\n    return 1.0\n")
    (folder / "run.py").write_text("import isfdb, helper\nisfdb.open('../made')['rate'] = helper.rate()\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    return folder


def test_a_changed_module_is_shown_line_by_line(project: Path):
    subprocess.run([sys.executable, "run.py"], check=True)
    (project / "helper.py").write_text("def rate():\n    return 2.0\n")
    subprocess.run([sys.executable, "run.py"], check=True)
    found = isfdb.diff(isfdb.open("../made"), "rate")
    axis = found.axis("code")
    assert axis.status == "differs"
    assert axis.because == "the slice is the same, the sources it ran in differ"
    assert axis.lines == ("git project: uncommitted changes added (helper.py)",)
    assert "++    return 2.0" in axis.text
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "second"], check=True)
    subprocess.run([sys.executable, "run.py"], check=True)
    commit = isfdb.diff((isfdb.open("../made"), "rate", 1), (isfdb.open("../made"), "rate", 3)).axis("code").lines[0]
    assert commit.startswith("git project: commit ")


def test_the_same_code_in_unknown_sources_is_not_called_the_same(rates: Any):
    shutil.rmtree(Path(rates.path) / ".isfdb" / "code")
    axis = isfdb.diff(rates, "rates").axis("code")
    assert axis.status == "unknown"
    assert axis.lines[-1] == "the sources of v3: their record is not in this database"


def test_risks_explain_only_where_nothing_else_differs(rates: Any):
    risk = {"risk": "unseeded random numbers", "cell": 1, "line": "x = np.random.rand(3)"}
    for number in (2, 3):
        edit(rates, "rates", number, risks=[risk], used=[])
    found = isfdb.diff(rates, "rates")
    assert found.because == "Nothing else that was recorded differs; the risks may explain it: unseeded random numbers."
    assert found.axis("risks").lines == ("unseeded random numbers: x = np.random.rand(3) (v2 and v3)",)


def test_nothing_in_a_difference_can_act_on_a_page_or_a_terminal(db: Any):
    for text in ("<script>alert(1)</script>\nb", "\x1b[2J<img src=x onerror=alert(1)>\nc"):
        db["<script>\x1b[2J"] = {"<b>&": text, "names": {text: text}}
    found = isfdb.diff(db, "<script>\x1b[2J")
    html = found._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in html + str(found) + str(isfdb.diff(db, db))
    json.dumps(found.to_json(), allow_nan=False)


def test_computers_that_differ_are_told_apart(rates: Any):
    (log,) = (Path(rates.path) / ".isfdb" / "sessions").glob("*.jsonl")
    lines = log.read_text().splitlines()
    start = json.loads(lines[0])
    start["machine"] |= {
        "host": "cluster",
        "cpu": {"model": "other", "flags": ["avx"]},
        "blas": [{"name": "mkl"}],
        "variables": start["machine"].get("variables", {}) | {"TZ": "Europe/Vienna"},
    }
    (log.parent / "20200101T000000-0000.jsonl").write_text("\n".join([json.dumps(start), *lines[1:]]) + "\n")
    record = rates.versions("rates")[2].record
    edit(rates, "rates", 3, activity={**record["activity"], "session": "20200101T000000-0000"}, by={"user": "ann", "host": "cluster"})
    found = isfdb.diff(rates, "rates")
    axis = found.axis("machine")
    assert axis.status == "differs"
    assert any(line.startswith("cpu model ") and line.endswith(" → other") for line in axis.lines)
    assert found.axis("made").because.endswith(" → ann")
    assert "machine (" in found.because


def test_packages_that_were_not_imported_explain_nothing(rates: Any):
    folder = Path(rates.path) / ".isfdb" / "environments"
    (digest,) = [path.stem for path in folder.glob("*.json")]
    record = loads((folder / f"{digest}.json").read_bytes())
    for name, changes in (("0", {"zzz": "2"}), ("1", {})):
        other = {**record, "packages": {**record["packages"], **changes}}
        (folder / f"{name * 32}.json").write_text(json.dumps(other))
        edit(rates, "rates", 3, environment=name * 32)
        axis = isfdb.diff(rates, "rates").axis("packages")
        assert axis.status == "same"
        assert ("1 that were not imported differ" in axis.because) == bool(changes)


def test_files_are_told_apart_by_size_and_time_where_there_is_no_digest(rates: Any):
    facts = {"file": "/data/x.csv", "mtime": 1.0, "digest": None, "because": "it is too large"}
    for number, size in ((2, 3), (3, 4)):
        edit(rates, "rates", number, used=[{**facts, "size": size}])
    assert isfdb.diff(rates, "rates").axis("inputs").lines == ("/data/x.csv: 3 → 4 bytes",)
    edit(rates, "rates", 3, used=[{**facts, "size": 3}])
    assert isfdb.diff(rates, "rates").axis("inputs").status == "same"
    edit(rates, "rates", 3, used=[])
    assert isfdb.diff(rates, "rates").axis("inputs").lines == ("/data/x.csv removed",)


def test_a_key_that_cannot_be_read_does_not_hide_the_others(rates: Any, tmp_path: Path):
    rates["broken"] = 1
    shutil.copytree(rates.path, tmp_path / "copy")
    other = isfdb.open(tmp_path / "copy", "r")
    (other.entry("broken").path / "metadata.json").write_text("{")
    found = isfdb.diff(rates, other)
    assert [key for key, _ in found.unreadable] == ["broken"]
    assert found.n_same == 1
    assert "1 unreadable" in found._repr_mimebundle_()["text/html"]


def test_managed_folders_are_compared_as_they_are_now(db: Any, tmp_path: Path):
    for key, content in (("one", b"a\nb"), ("two", b"\x00\x01")):
        folder = Path(str(db.create_managed_folder(key)))
        (folder / "notes.txt").write_bytes(content)
    found = isfdb.diff((db, "one"), (db, "two"))
    assert (found.status, found.value.parts[0].where) == ("different", "files/notes.txt")
    assert isfdb.diff((db, "one"), (db, "one")).status == "equal"
    assert isfdb.diff(db, db).unvouched == ("one", "two")


@pytest.mark.parametrize("dumper", ["numpy_to_npy", "numpy_to_zarr", "to_json"])
def test_large_values_are_read_lazily_where_their_format_can(db: Any, dumper: str):
    value = [1.0, 2.0] if dumper == "to_json" else np.array([1.0, 2.0])
    db.set("rates", value, dumper=dumper)
    side = stored_of(db, "rates")
    loaded = side.load(is_large=True)
    assert type(loaded).__name__ == {"numpy_to_npy": "ndarray", "numpy_to_zarr": "Array", "to_json": "list"}[dumper]
    assert dumper != "numpy_to_npy" or not loaded.flags.owndata  # it is mapped
    assert isfdb.diff(loaded, value).same


def test_a_grown_value_is_compared_whole(db: Any):
    db["trace"] = np.arange(5.0)
    db.append("trace", np.arange(3.0))
    found = isfdb.diff(db, "trace")
    assert found.value.because == "shape 5 → 8"
    assert found.value.lines[0].startswith("identical in [:5]")
    assert isfdb.diff(stored_of(db, "trace").load(is_large=True), db["trace"]).same
