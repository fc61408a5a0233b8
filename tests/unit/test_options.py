"""Settings: which source wins, what a bad value says, and that asking costs next to nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from isfdb.errors import IsfdbWarning, OptionError
from isfdb.options import SETTINGS, option, reread, set_options


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    reread()
    yield
    reread()


def write_project(folder: Path, text: str) -> None:
    folder.joinpath("pyproject.toml").write_text(text)
    reread()


def test_each_source_beats_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert option("grace_s") == 86400.0
    write_project(tmp_path, "[tool.isfdb]\ngrace_s = 4\n")
    assert option("grace_s") == 4.0
    monkeypatch.setenv("ISFDB_GRACE_S", "3")
    assert option("grace_s") == 3.0
    plain = set_options(grace_s=2)
    try:
        assert option("grace_s") == 2.0
        with set_options(grace_s=1):
            assert option("grace_s") == 1.0
            assert option("grace_s", 0) == 0.0
        assert option("grace_s") == 2.0
    finally:
        plain.undo()
    assert option("grace_s") == 3.0
    monkeypatch.delenv("ISFDB_GRACE_S")
    assert option("grace_s") == 4.0


def test_plain_calls_can_be_undone_in_any_order() -> None:
    first, second = set_options(keep=1, register=False), set_options(keep=2)
    first.undo()
    assert (option("keep"), option("register")) == (2, True)
    second.undo()
    second.undo()
    assert option("keep") is None


def test_a_plain_call_holds_in_every_thread_and_a_block_only_in_its_own() -> None:
    seen: list[object] = []

    def ask() -> None:
        seen.append((option("keep"), option("durability")))

    plain = set_options(keep=5)
    try:
        with set_options(durability="process"):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
    finally:
        plain.undo()
    assert seen == [(5, "full")]


def test_blocks_of_concurrent_tasks_do_not_mix() -> None:
    async def task(keep: int) -> object:
        with set_options(keep=keep):
            await asyncio.sleep(0.01)
            return option("keep")

    async def both() -> list[object]:
        return list(await asyncio.gather(task(1), task(2)))

    assert asyncio.run(both()) == [1, 2]
    assert option("keep") is None


def test_a_block_is_left_when_its_body_raises() -> None:
    with pytest.raises(ZeroDivisionError, match="division"), set_options(keep=1):
        raise ZeroDivisionError("division by zero")
    assert option("keep") is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("durability", "process", "process"),
        ("keep", "all", "all"),
        ("keep", "none", None),
        ("keep", "3", 3),
        ("register", "OFF", False),
        ("capture", "1", True),
        ("git_timeout_s", "0.5", 0.5),
        ("keep", "", None),
    ],
)
def test_the_environment_is_read_as_text(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ISFDB_{name.upper()}", text)
    assert option(name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("durability", "half"),
        ("keep", -1),
        ("keep", 0),
        ("keep", 1.5),
        ("keep", True),
        ("grace_s", "soon"),
        ("grace_s", float("nan")),
        ("grace_s", float("inf")),
        ("grace_s", None),
        ("register", "perhaps"),
        ("register", 1),
        ("registry", ""),
        ("registry", "a\0b"),
        ("registry", b"bytes"),
        ("durability", ["full"]),
    ],
)
def test_a_bad_value_is_refused_where_it_is_given(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=rf"'{name}' was given .* in set_options\. It takes"):
        set_options(**{name: value})
    assert option(name) == SETTINGS[name].default


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISFDB_DURABILITY", "half\x1b[2J")
    with pytest.raises(OptionError, match=r"'half\\x1b\[2J' by the environment variable ISFDB_DURABILITY"):
        option("durability")


def test_an_unknown_setting_names_the_known_ones() -> None:
    with pytest.raises(OptionError, match=r"no setting 'durabilty'.*durability, keep"):
        set_options(durabilty="full")
    with pytest.raises(OptionError, match="no setting"):
        option("colour")


def test_paths_in_a_project_file_start_at_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    write_project(tmp_path, '[tool.isfdb]\nregistry = "shared/registry.sqlite"\n')
    assert option("registry") == str(tmp_path / "shared" / "registry.sqlite")


def test_a_project_file_cannot_bring_its_own_signing_key(tmp_path: Path) -> None:
    default = option("data_folder")
    write_project(tmp_path, '[tool.isfdb]\ndata_folder = "evil"\nkeep = 2\n')
    with pytest.warns(IsfdbWarning, match="'data_folder'.*for your safety"):
        assert option("data_folder") == default
    assert option("keep") == 2


def test_a_setting_unknown_here_warns_and_the_rest_counts(tmp_path: Path) -> None:
    write_project(tmp_path, "[tool.isfdb]\nkeep = 2\nfrom_the_future = 1\n")
    with pytest.warns(IsfdbWarning, match="'from_the_future'.*no such setting"):
        assert option("keep") == 2


@pytest.mark.parametrize("text", ["[tool.isfdb\n", "tool = 3 # isfdb\n", "[tool]\nisfdb = 3\n", "\xff isfdb"])
def test_a_project_file_that_makes_no_sense_stops_nothing(tmp_path: Path, text: str) -> None:
    tmp_path.joinpath("pyproject.toml").write_bytes(text.encode("latin-1"))
    reread()
    if text.startswith("tool ="):
        assert option("keep") is None
    else:
        with pytest.warns(IsfdbWarning, match="cannot be read"):
            assert option("keep") is None


def test_a_project_file_of_others_is_not_parsed(tmp_path: Path) -> None:
    write_project(tmp_path, "[broken")
    assert option("keep") is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become a user without a home")
def test_without_a_home_the_folders_are_unknown_and_signing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    script = """
import os, platformdirs, secrets, shlex, warnings
from isfdb import errors, exact_json, options, trust
os.setuid(54321)
print(options.option("data_folder"), options.option("cache_folder"))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(trust.sign(b"x"), trust.is_signed_by_me(b"x", "0" * 64), [warning.category.__name__ for warning in caught])
print(trust.reason_not_to_run("1" * 32, "/", b"x", None))
"""
    for variable in [name for name in os.environ if name == "HOME" or name.startswith("XDG_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    folders, signing, reason = result.stdout.splitlines()
    assert folders == "None None"
    assert signing == "None False ['PickleWarning']"
    assert "no home folder" in reason
    assert "ISFDB_DATA_FOLDER" in reason


def test_the_reference_page_has_every_setting() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "reference", "options.md").read_text(encoding="utf-8")
    for setting in SETTINGS.values():
        assert f"`{setting.name}`" in page
        assert f"`{setting.variable}`" in page
        assert setting.meaning in page
