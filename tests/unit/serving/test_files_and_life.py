"""Files are sent to be saved, whatever they hold, and none but those of the version; pages show the folder as it is now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import isfdb
from isfdb.serving.pages import stored
from tests.unit.reporting.reported import HOSTILE


@pytest.fixture
def attached(db, tmp_path: Path):
    """A database with an attachment that is a web page."""
    page = tmp_path / "evil.html"
    page.write_text(HOSTILE)
    db.attach("page", page)
    return db


def test_a_web_page_that_was_attached_is_saved_not_shown(attached, visitor):
    page = visitor.page("file", key="page", version=1, name="attached/evil.html")
    assert page.status == 200
    assert page.body == HOSTILE.encode()
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"] == "attachment; filename=\"evil.html\"; filename*=UTF-8''evil.html"
    assert "sandbox" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../../isfdb.json",
        "/etc/passwd",
        "attached",
        "attached/../Loader.json",
        "Loader.json/",
        "RECLAIMED",
        "attached/evil.html\0",
        "\0",
    ],
)
def test_only_files_of_the_version_are_sent(name: str, attached, visitor):
    assert visitor.page("file", key="page", version=1, name=name).status == 404


def test_a_link_out_of_the_database_is_not_followed(attached, visitor, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text(HOSTILE)
    file = attached.entry("page").path / "attached" / "evil.html"
    file.unlink()
    file.symlink_to(secret)
    assert visitor.page("file", key="page", version=1, name="attached/evil.html").status == 404
    shutil.rmtree(file.parent)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "evil.html").write_text(HOSTILE)
    file.parent.symlink_to(tmp_path / "elsewhere")
    assert visitor.page("file", key="page", version=1, name="attached/evil.html").status == 404


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for(attached, visitor):
    file = attached.entry("page").path / "attached" / "evil.html"
    file.unlink()
    os.mkfifo(file)
    page = visitor.page("file", key="page", version=1, name="attached/evil.html")
    assert page.status == 404
    assert "no plain file" in page.text


def test_a_name_that_no_header_can_hold_is_encoded(db, visitor, tmp_path: Path):
    file = tmp_path / 'tä"s;t\r\nSet-Cookie: a=b.txt'
    file.write_text("x")
    db.attach("odd", file)
    page = visitor.page("file", key="odd", version=1, name=f"attached/{file.name}")
    assert page.status == 200
    assert "set-cookie" not in page.headers
    assert page.headers["content-disposition"].startswith('attachment; filename="t__s_t__Set-Cookie_ a_b.txt"; ')


def test_files_of_earlier_versions_that_a_grown_value_names_are_sent(db, visitor):
    db["grown"] = [1, 2]
    import numpy as np

    db["trace"] = np.zeros(10)
    db.append("trace", np.ones(10))
    links = [link for link in visitor.page("files", key="trace").links if "/file?" in link]
    assert len(links) >= 4
    assert {visitor.ask(link).status for link in links} == {200}


def test_what_was_reclaimed_or_deleted_has_only_records(db, visitor):
    db["k"] = 1
    del db["k"]
    assert "1 file" in visitor.page("files", key="k", version=2).text
    assert visitor.page("file", key="k", version=2, name="DELETED").status == 200


def test_a_reload_shows_what_another_process_stored(db, visitor):
    assert "It is empty." in visitor.page("").text
    code = f"import isfdb; db = isfdb.open({db.path!r}); db['new'] = 1; db['cells/x'] = 2"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    page = visitor.page("")
    assert "new</a>" in page.text
    assert "2 keys" in page.text
    subprocess.run([sys.executable, "-c", f"import isfdb; db = isfdb.open({db.path!r}); del db['new']"], check=True, timeout=60)
    assert "new</a>" not in visitor.page("keys").text


def test_pages_are_made_while_another_process_stores_and_deletes(db, visitor, tmp_path: Path):
    stop = tmp_path / "stop"
    code = textwrap.dedent(f"""
        import isfdb, os
        db = isfdb.open({db.path!r}, durability="process")
        for number in range(100_000):
            db["busy"] = number
            db[f"k{{number % 7}}/x"] = [number]
            if number % 3 == 0:
                del db["busy"]
                del db[f"k{{number % 7}}"]
            if os.path.exists({str(stop)!r}):
                break
    """)
    db["first"] = 1
    writer = subprocess.Popen([sys.executable, "-c", code])
    try:
        while "busy" not in visitor.page("log").text:
            assert writer.poll() is None
        for _ in range(3):
            for name, parameters in (("", {}), ("keys", {}), ("key", {"key": "busy"}), ("versions", {"key": "busy"}), ("log", {}),
                                     ("find", {"q": "x"}), ("keys", {"in": "k3"}), ("lineage", {"key": "k3/x"})):  # fmt: skip
                assert visitor.page(name, **parameters).status in (200, 303, 404), name
    finally:
        stop.touch()
        writer.wait(60)
    assert writer.returncode == 0


def test_a_database_that_goes_away_is_said_to_be_gone(db, visitor):
    db["k"] = 1
    os.rename(db.path, db.path + "-moved")
    page = visitor.page("")
    assert page.status == 404
    assert "no database" in page.text
    os.rename(db.path + "-moved", db.path)
    assert visitor.page("").status == 200


def test_nothing_is_written_into_the_database(db, serve):
    db["k"] = 1
    db["k"] = 2
    before = _files(db.path)
    visitor = serve(db).come_in()
    for page in ("", "keys", "log", "sessions", "environments"):
        assert visitor.page(page).status == 200
    for page in ("key", "versions", "lineage", "files"):
        assert visitor.page(page, key="k").status == 200
    assert visitor.page("diff", key="k", a=1, b=2).status == 200
    assert visitor.page("find", q="k").status == 200
    assert _files(db.path) == before


def _files(path: str) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in Path(path).rglob("*")}


def test_a_database_that_cannot_be_written_is_served(db, serve):
    db["k"] = 1
    for folder in [Path(db.path), *[one for one in Path(db.path).rglob("*") if one.is_dir()]]:
        folder.chmod(0o555)
    try:
        assert serve(db).come_in().page("key", key="k").status == 200
    finally:
        for folder in [Path(db.path), *[one for one in Path(db.path).rglob("*") if one.is_dir()]]:
            folder.chmod(0o755)


def test_of_a_large_database_the_log_has_the_newest_versions(db, visitor, monkeypatch):
    monkeypatch.setattr(stored, "MOST_KEYS", 1)
    db["a"] = 1
    db["b"] = 2
    page = visitor.page("log")
    assert "The newest version of each key" in page.text
    assert page.text.index(">b</a>") < page.text.index(">a</a>")


def test_a_sessions_log_is_parsed_once_until_it_grows(db, serve, monkeypatch):
    from isfdb.provenance import session

    parsed: list[str] = []
    read = session._read
    monkeypatch.setattr(session, "_read", lambda storage, name: parsed.append(name) or read(storage, name))
    db["a"] = 1
    visitor = serve(db).come_in()
    parsed.clear()
    for _ in range(2):
        assert visitor.page("key", key="a").status == 200
    assert len(parsed) == 1
    db["b"] = 1
    assert visitor.page("key", key="b").status == 200
    assert len(parsed) > 1


def test_a_session_tells_what_each_cell_stored(tmp_path: Path, serve):
    script = tmp_path / "script.py"
    script.write_text(f"import isfdb\ndb = isfdb.open({str(tmp_path / 'results')!r})\ndb['cells/k'] = 1\n")
    subprocess.run([sys.executable, str(script)], check=True, timeout=60)
    db = isfdb.open(tmp_path / "results", "r")
    visitor = serve(db).come_in()
    link = next(link for link in visitor.page("key", key="cells/k").links if "/session?" in link)
    page = visitor.ask(link.partition("#")[0])
    assert "script script.py" in page.text
    assert f'<a href="/{db.id}/key?key=cells%2Fk&amp;version=1">cells/k@1</a>' in page.text
