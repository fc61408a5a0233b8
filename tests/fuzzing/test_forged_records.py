"""Records that say anything at all, with seals that fit: only isfdb's errors come out of whatever looks at the database."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import isfdb
from isfdb.exact_json import dumps
from isfdb.manifest import sealed
from tests.compatibility.isf_samples import PREFIX, add_key, add_pickle, make_database
from tests.fuzzing.forging import mutated, replaced, reseal, with_changed_bytes
from tests.fuzzing.looks import broken_looks

KEYS = ("rates", "cells/L5PT", "sum", "gone", "new")
ISF_KEYS = ("number", "text", "sub/x", "none")


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A database with a bit of everything that has a record."""
    with tempfile.TemporaryDirectory() as folder, isfdb.set_options(register=False, durability="process"):
        db = isfdb.open(Path(folder, "made"))
        for number in (30, 40):
            db["rates"] = np.arange(number)
        db["cells/L5PT"] = {"a": [1, 2]}
        db["sum"] = int(db["rates"].sum())
        db["gone"] = db["old"] = 1
        del db["gone"]
        db.rename("old", "new")
        db.attributes["rates"].update(unit="Hz", number=np.float32(1.5))
        db.collect(grace_s=0)
        isfdb.seal(db)
        yield Path(folder, "made")


@pytest.fixture(scope="module")
def made_by_isf() -> Iterator[Path]:
    """A database as ISF writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = make_database(Path(folder, "made"), _unique_id="2024-01-01_1_abcdefg")
        facts = {"dumper": "to_cloudpickle", "time": [2024, 1, 1], "history": "x = 1", "module_versions": {"numpy": "1.0"}, "hostname": "h"}
        add_pickle(path, "number", 5, metadata=facts)
        add_key(path, "text", f"{PREFIX}to_json", facts)
        add_key(path, "none", None, facts)
        sub = make_database(add_key(path, "sub", f"{PREFIX}just_create_isf_db") / "db", _unique_id="2024-01-01_2_abcdefg")
        add_pickle(sub, "x", [1])
        yield path


def forge(folder: Path, chance: random.Random) -> str:
    """Change one to three files; say which."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in (".json", ".jsonl", "", ".txt", ".py")]
    chosen = [chance.choice(files) for _ in range(chance.choice([1, 1, 2, 3]))]
    for path in chosen:
        _forge_file(path, chance)
    return ", ".join(str(path.relative_to(folder)) for path in chosen)


def _forge_file(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    lines = data.split(b"\n")[:-1] if path.suffix == ".jsonl" else [data]
    at = chance.randrange(len(lines)) if lines else 0
    try:
        value = mutated(json.loads(lines[at]), chance) if chance.random() < 0.8 else None
    except (ValueError, OverflowError, IndexError):
        value = None
    if value is None:
        path.write_bytes(with_changed_bytes(data, chance))
    elif path.suffix == ".jsonl":
        path.write_bytes(b"".join(line + b"\n" for line in [*lines[:at], json.dumps(value).encode(), *lines[at + 1 :]]))
    else:
        _write(path, value)


def _write(path: Path, value: object) -> None:
    try:
        text = sealed(value)[0] if isinstance(value, dict) and "record" in value else dumps(value) if isinstance(value, dict) else None
    except (ValueError, TypeError):  # half a surrogate pair, or names that are no text
        text = None
    path.write_text(json.dumps(value) if text is None else text)
    if path.name == "Loader.json" and (path.parent / "metadata.json").exists() and "v0" in path.parent.name:
        try:
            reseal(path.parent)
        except (ValueError, TypeError, AttributeError):  # its record was forged as well
            return


def tries(long_run: bool, few: int, many: int) -> settings:
    return settings(
        max_examples=many if long_run else few, deadline=None, derandomize=not long_run, suppress_health_check=list(HealthCheck)
    )


def check_forged(made: Path, keys: tuple[str, ...], long_run: bool, few: int, many: int) -> int:
    """Forge a copy, look at it, again and again; return how often."""
    counted = []

    @tries(long_run, few, many)
    @given(st.integers(0, 2**64))
    def forged_copies_give_only_our_errors(seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder, isfdb.set_options(register=False, capture=False):
            copy = Path(shutil.copytree(made, Path(folder, "copy"), symlinks=True))
            changed = forge(copy, random.Random(seed))
            counted.append(changed)
            broken = broken_looks(copy, keys)
        assert not broken, f"after a change of {changed}: {broken[0]}"

    forged_copies_give_only_our_errors()
    return len(counted)


def test_forged_records_give_only_our_errors(made, long_run, tally):
    tally("forged records, with seals that fit", tries=check_forged(made, KEYS, long_run, 8, 600))


def test_forged_records_of_isf_give_only_our_errors(made_by_isf, long_run, tally):
    tally("forged records of ISF", tries=check_forged(made_by_isf, ISF_KEYS, long_run, 8, 600))


def test_what_is_looked_for_is_found(made, monkeypatch):
    """Negative control: without the check of kinds where records are read, such a record gives an AttributeError."""
    from isfdb import manifest

    path = made.parent / "control"
    shutil.copytree(made, path)
    record = next(path.glob("sum.key/v*/metadata.json"))
    record.write_text(sealed(json.loads(record.read_text()) | {"activity": [1]})[0])
    assert not broken_looks(path, ("sum",))
    monkeypatch.setattr(manifest, "_check_kinds", lambda record: None)
    assert any("AttributeError" in broken for broken in broken_looks(path, ("sum",)))
    shutil.rmtree(path)


@pytest.mark.parametrize("member", [("activity", "session"), ("activity", "line"), ("environment",), ("code", "snapshot"), ("digest",)])
@pytest.mark.parametrize("rubbish", [10**400, [1], {"a": 1}, "\0", "../../x", -1], ids=["huge", "list", "dict", "zero", "path", "negative"])
def test_rubbish_in_place_of_what_leads_elsewhere_gives_only_our_errors(made, member, rubbish):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(made, Path(folder, "copy")))
        path = copy / "rates.key" / "v000002" / "metadata.json"
        path.write_text(sealed(replaced(json.loads(path.read_bytes()), member, lambda _: rubbish))[0])
        assert not broken_looks(copy, ("rates",))


@pytest.mark.parametrize("rubbish", [10**400, [1], {"a": 1}, -1, "x"], ids=["huge", "list", "dict", "negative", "text"])
@pytest.mark.parametrize("name", ["dirty", "patch", "changed", "files", "commit", "root", "modules", "remotes", "name", "branch"])
def test_rubbish_about_a_repository_gives_only_our_errors(made, name, rubbish):
    from isfdb.comparing.source_changes import _blobs
    from isfdb.storage.local import LocalStorage
    from isfdb.tracing.code_changes import CodeChanges
    from isfdb.tracing.surroundings import repository_node

    whole = {
        "root": "/nowhere",
        "commit": "a" * 40,
        "patch": "a.patch",
        "modules": ["m"],
        "files": [{"path": "m.py", "blob": "b"}],
        "dirty": True,
    }
    forged = {**whole, name: rubbish}
    assert str(repository_node(forged))
    assert list(_blobs({}, {"m": forged}))
    assert isinstance(CodeChanges(ask_git=True).of_repository(forged, LocalStorage(str(made), read_only=True)), str)
