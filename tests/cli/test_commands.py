"""The command as a user types it: what it prints, what programs read, and its exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.cli.main import main
from isfdb.cli.verbs import GROUPS, VERBS

HOSTILE = "evil\x1b[2J\x1b]0;title\x07\u202ename"


@pytest.fixture
def results(db) -> str:
    db["rates"] = np.arange(10.0)
    db["rates"] = np.arange(12.0)
    db["cells/L5PT"] = {"model": "hay"}
    db["cells/count"] = 3
    db.attributes["rates"]["unit"] = "Hz"
    return db.path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0
    return json.loads(out)


def test_ls_shows_the_tree(results: str, capsys):
    status, out, err = run(capsys, "ls", results)
    assert (status, err) == (0, "")
    assert [line.split()[1] for line in out.splitlines()[1:]] == ["cells/", "├─", "└─", "rates"]
    assert re.search(r"rates +ndarray 12 float64 .* v2", out)


def test_ls_of_a_sub_database_and_of_one_level(results: str, capsys):
    assert "L5PT" in run(capsys, "ls", results, "cells")[1]
    assert "L5PT" not in run(capsys, "ls", results, "--depth", "1")[1]


def test_ls_json_says_what_each_key_is(results: str, capsys):
    told = answer(capsys, "ls", results)
    assert told["database"]["path"] == results
    below, rates = told["members"]
    assert (below["kind"], below["n_members"], [member["key"] for member in below["members"]]) == (
        "sub-database",
        2,
        ["cells/L5PT", "cells/count"],
    )
    assert (rates["kind"], rates["version"], rates["dumper"], rates["describe"]["shape"]) == ("value", 2, "numpy_to_npy", [12])
    assert rates["link"].startswith(f"isfdb://{told['database']['id']}/rates@2")


def test_show_tells_what_made_a_key(results: str, capsys):
    out = run(capsys, "show", results, "rates")[1]
    for part in ("rates", "ndarray 12 float64", "attribute unit  Hz", "made by", "test_commands.py", "v1", "v2"):
        assert part in out
    told = answer(capsys, "show", results, "rates")
    assert told["metadata"]["key"] == "rates"
    assert [version["version"] for version in told["versions"]] == [1, 2]
    assert told["cell"]["label"].startswith("test tests")


def test_show_gives_a_preview_on_request(results: str, capsys):
    assert "[ 0.  1.  2." in run(capsys, "show", results, "rates", "--preview")[1]
    assert answer(capsys, "show", results, "rates", "--preview")["preview"]["kind"] == "numbers"
    assert "preview" not in answer(capsys, "show", results, "rates")


def test_log_says_what_stored_a_value_where_no_cell_did(results: str, capsys):
    assert {version["cell"] for version in answer(capsys, "log", results)["versions"]} == {"test"}
    assert re.search(r"rates +v2 .* test$", run(capsys, "log", results)[1], re.MULTILINE)


def test_log_lists_versions_newest_first_and_the_cells_on_demand(results: str, capsys):
    told = answer(capsys, "log", results)
    assert [f"{version['key']}@{version['version']}" for version in told["versions"]] == [
        "cells/count@1",
        "cells/L5PT@1",
        "rates@2",
        "rates@1",
    ]
    assert "sessions" not in told
    told = answer(capsys, "log", results, "rates", "--cells", "-n", "1")
    assert [version["version"] for version in told["versions"]] == [2]
    (cells,) = told["sessions"].values()
    assert any("rates@2" in cell["stored"] for cell in cells)


def test_log_still_tells_of_a_deleted_key(results: str, capsys):
    del isfdb.open(results)["cells/count"]
    told = answer(capsys, "log", results, "cells/count")
    assert [version["deleted"] for version in told["versions"]] == [True, False]


def test_verify_is_0_when_sound_and_1_when_a_byte_changed(results: str, capsys):
    status, out, _ = run(capsys, "verify", results)
    assert (status, "sound" in out) == (0, True)
    data = Path(isfdb.open(results).entry("rates").path) / "data.npy"
    data.write_bytes(data.read_bytes()[:-1] + b"\x55")
    status, out, _ = run(capsys, "verify", results)
    assert status == 1
    assert "changed file: rates v2" in out
    status, out, _ = run(capsys, "verify", results, "--json")
    assert (status, json.loads(out)["findings"][0]["file"]) == (1, "data.npy")


def test_collect_dry_run_changes_nothing_and_says_what_it_would_do(results: str, capsys):
    before = sorted(str(path) for path in Path(results).rglob("*"))
    assert answer(capsys, "collect", results, "--dry-run")["dry_run"] is True
    assert sorted(str(path) for path in Path(results).rglob("*")) == before
    assert run(capsys, "collect", results, "--keep", "all")[0] == 0


def test_report_writes_a_page(results: str, tmp_path: Path, capsys):
    page = tmp_path / "page.html"
    assert answer(capsys, "report", results, "--to", str(page)) == {"path": str(page)}
    assert "ndarray 12 float64" in page.read_text(encoding="utf-8")


def test_a_report_takes_what_an_audit_printed(results: str, tmp_path: Path, capsys):
    status, out, _ = run(capsys, "audit", results, "--json", "--no-replay")
    assert status in (0, 1)
    (tmp_path / "audit.json").write_text(out, encoding="utf-8")
    page = tmp_path / "page.html"
    assert run(capsys, "report", results, "-o", str(page), "--audit", str(tmp_path / "audit.json"))[0] == 0
    assert "no replay was asked for" in page.read_text(encoding="utf-8")


def test_a_report_says_that_a_file_holds_no_audit(results: str, tmp_path: Path, capsys):
    (tmp_path / "audit.json").write_text("[]", encoding="utf-8")
    status, _, err = run(capsys, "report", results, "--audit", str(tmp_path / "audit.json"))
    assert status == 2
    assert "holds no audit" in err


def test_registry_finds_adds_forgets_and_gives_a_new_id(results: str, tmp_path: Path, capsys):
    assert answer(capsys, "registry", "add", results, "--name", "rates-of-mine")[0]["path"] == os.path.realpath(results)
    assert [record["name"] for record in answer(capsys, "registry", "find", "rates-of-mine")] == ["rates-of-mine"]
    assert run(capsys, "ls", "rates-of-mine")[0] == 0
    assert "rates-of-mine" in run(capsys, "registry", "list")[1]
    assert len(answer(capsys, "registry", "scan", str(tmp_path))) >= 1
    assert len(answer(capsys, "registry", "forget", "rates-of-mine")) >= 1
    old = isfdb.open(results).id
    assert answer(capsys, "registry", "new-id", results)["id"] != old
    assert run(capsys, "registry", "prune")[0] == 0
    status, _, err = run(capsys, "registry", "adopt", str(tmp_path / "none"))
    assert (status, "no such file" in err) == (2, True)


def test_trust_is_given_shown_and_taken_back(results: str, capsys):
    assert answer(capsys, "trust", results)["trusted"] is True
    assert [entry["path"] for entry in answer(capsys, "trust", "--list")] == [os.path.realpath(results)]
    assert answer(capsys, "trust", results, "--remove")["trusted"] is False
    assert "no database is trusted" in run(capsys, "trust", "--list")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ls", "/no/such/database"), "no database at /no/such/database"),
        (("show", "{results}", "rats"), "no key 'rats'"),
        (("show", "{results}", "cells"), "cells"),
        (("log", "{results}", "rats"), "no key 'rats'"),
        (("ls", "{results}", "rates"), "no sub-database"),
        (("show", "{results}", ""), "cannot be a key"),
    ],
)
def test_an_error_is_a_message_on_stderr_and_status_2(results: str, words: tuple[str, ...], message: str, capsys):
    status, out, err = run(capsys, *[word.format(results=results) for word in words])
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words", [("nonsense",), ("show", "only-a-database"), ("ls", "x", "--nope"), ("registry",), ("collect", "x", "--keep", "few")]
)
def test_misuse_is_status_2(words: tuple[str, ...], capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage: isfdb" in capsys.readouterr().err


def test_without_a_verb_help_is_shown(capsys):
    status, out, _ = run(capsys)
    assert (status, "examples:" in out) == (2, True)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(verb: str, capsys):
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    assert f"isfdb {verb}" in out.split("examples:")[1]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("lss", "results"), "no verb 'lss'. Did you mean 'ls'?"),
        (("verifx",), "Did you mean 'verify'?"),
        (("ls", "results", "--jsn"), "unrecognized arguments: --jsn. Did you mean '--json'"),
        (("registry", "list", "--jsn"), "unrecognized arguments: --jsn. Did you mean '--json'"),
        (("xxxx",), "no verb 'xxxx'. All verbs: isfdb --help"),
    ],
)
def test_a_slip_of_the_finger_is_answered_with_what_is_near(words: tuple[str, ...], hint: str, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert (stop.value.code, hint in capsys.readouterr().err) == (2, True)


def test_help_groups_the_verbs_by_what_people_want(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for title, verbs in GROUPS.items():
        block = out.split(f"{title}:\n")[1].split("\n\n")[0]
        assert [line.split()[0] for line in block.splitlines()] == list(verbs)


def test_the_version_is_printed(capsys):
    status, out, _ = run(capsys, "--version")
    assert (status, out) == (0, f"isfdb {isfdb.__version__}\n")


def test_hostile_names_do_not_reach_the_terminal(db, capsys):
    db[HOSTILE] = 1
    db["x"] = HOSTILE
    db.attributes["x"][HOSTILE] = HOSTILE
    for words in (
        ("ls", db.path),
        ("show", db.path, HOSTILE),
        ("show", db.path, "x"),
        ("log", db.path, "--cells"),
        ("show", db.path, "\x1b[31mno"),
    ):
        _, out, err = run(capsys, *words)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err), words


def test_json_is_ascii_and_holds_the_raw_name(db, capsys):
    db[HOSTILE] = 1
    _, out, _ = run(capsys, "ls", db.path, "--json")
    assert out.isascii()
    assert json.loads(out)["members"][0]["key"] == HOSTILE


def test_looking_changes_nothing(results: str, capsys):
    before = {path: path.stat().st_mtime_ns for path in Path(results).rglob("*")}
    for words in (("ls", results), ("show", results, "rates"), ("log", results, "--cells"), ("verify", results)):
        run(capsys, *words)
    assert {path: path.stat().st_mtime_ns for path in Path(results).rglob("*")} == before


def _command(*words: str, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "isfdb", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_a_pipe_has_no_colour_and_is_not_cut(db):
    db["a_long_name_" * 15] = list(range(3))
    with _command("ls", db.path, env={**os.environ, "COLUMNS": "40"}) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in out
    assert "list of 3" in out


def test_a_reader_that_stops_early_is_no_error(db):
    with db.batch():
        for number in range(300):
            db[f"key{number:03}" + "x" * 200] = number
    command = f"{sys.executable} -m isfdb.cli log {db.path} --json | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 141)


@pytest.fixture
def hears_ctrl_c():
    """Undo what a shell does to what it starts with ``&``: Ctrl-C is ignored there, and by every process started from there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("line", ["goes into", "[2]", "Another process", "What is there"])
def test_ctrl_c_is_status_130_without_a_traceback_at_any_step(tmp_path: Path, line: str, hears_ctrl_c):
    with _command("demo", "--into", str(tmp_path / "demo"), start_new_session=True) as process:
        assert any(line in said for said in process.stdout)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the command hears it
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "isfdb: interrupted\n"


def test_a_terminal_gets_colour_and_lines_that_fit(db):
    pexpect = pytest.importorskip("pexpect")
    db["name" * 40] = 1
    out, status = pexpect.run(
        f"{sys.executable} -m isfdb.cli ls {db.path}",
        withexitstatus=True,
        encoding="utf-8",
        env={name: text for name, text in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm", "NO_COLOR": ""},
        dimensions=(24, 50),
    )
    assert status == 0
    assert "\x1b[1m" in out
    assert max(len(re.sub("\x1b\\[[0-9;]*m", "", line)) for line in out.splitlines()[1:]) <= 50


def test_a_terminal_without_unicode_still_gets_an_answer(db):
    db["µ"] = 1
    with _command("ls", db.path, env={**os.environ, "PYTHONIOENCODING": "ascii"}) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "\\xb5" in out


@pytest.mark.parametrize(
    "words", [("log", "-n", "0"), ("log", "-n", "-3"), ("ls", "--depth", "x"), ("ls", "--max", "0"), ("collect", "--keep", "few")]
)
def test_a_count_is_a_number_from_1(words: tuple[str, ...], results: str, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([words[0], results, *words[1:]])
    assert stopped.value.code == 2
    assert "is no number from 1" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("ls",), ("verify", "--json")])
def test_a_closed_standard_output_is_no_reason_to_fail(words: tuple[str, ...], results: str):
    command = [sys.executable, "-m", "isfdb.cli", words[0], results, *words[1:]]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert subprocess.run(["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command], timeout=60, check=False).returncode == 0


def test_prune_says_so_where_nothing_is_missing(results: str, capsys):
    run(capsys, "registry", "prune", "--other-hosts")
    assert "nothing is missing" in run(capsys, "registry", "prune")[1]


def test_a_report_without_a_folder_names_the_folder(results: str, tmp_path: Path, capsys):
    status, _, err = run(capsys, "report", results, "--to", str(tmp_path / "nowhere" / "page.html"))
    assert status == 2
    assert f"there is no folder {tmp_path / 'nowhere'}" in err


def test_one_of_each_is_counted_in_the_singular(results: str, capsys):
    assert run(capsys, "verify", results, "cells/count")[1].startswith("1 key, 1 version, 1 file, ")


def test_find_prints_hits_and_says_by_its_status_whether_there_are_any(results: str, capsys):
    status, out, _ = run(capsys, "find", results, "unit=Hz", "size>1")
    assert status == 0
    assert re.search(r"rates +v2 +ndarray 12 .* unit = Hz, size: ", out)
    status, out, _ = run(capsys, "find", results, "unit=mV")
    assert status == 1
    assert "0 hits among 3 keys" in out


def test_find_json_names_links_and_reasons(results: str, capsys):
    told = answer(capsys, "find", results, "*L5*")
    assert told["database"]["path"] == results
    assert [(hit["key"], hit["version"], hit["why"]) for hit in told["hits"]] == [("cells/L5PT", 1, ["key"])]


def test_find_searches_everywhere_and_teaches(results: str, capsys):
    told = answer(capsys, "find", "--everywhere", "*L5PT", "--last", "1")
    assert len(told["hits"]) == 1
    assert run(capsys, "find")[2].startswith("isfdb find: say where to search")
    assert "did you mean user:ann" in run(capsys, "find", results, "usr:ann")[2]


def test_lineage_is_told_drawn_and_written(results: str, capsys, tmp_path: Path):
    status, out, _ = run(capsys, "lineage", results, "rates")
    assert (status, out.splitlines()[0]) == (0, "rates v2  ndarray 12 float64")
    members = answer(capsys, "lineage", results, "rates", "--version", "1")
    assert members["nodes"][0]["label"] == "rates v1"
    for form, beginning in (("mermaid", "flowchart LR"), ("dot", "digraph"), ("svg", "<svg"), ("html", "<!DOCTYPE html>"), ("json", "{")):
        file = tmp_path / f"rates.{form}"
        assert run(capsys, "lineage", results, "rates", "--format", form, "-o", str(file)) == (0, f"{file}\n", "")
        assert file.read_text().startswith(beginning)
    assert run(capsys, "lineage", results, "missing")[0] == 2
