"""A seal stands for all that a database holds: what is changed or taken away since is found by its head alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.cli.main import main
from isfdb.errors import OptionError, ReadOnlyError
from isfdb.hashing import digest_of
from isfdb.manifest import seal as sealed_text

FORMAT_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "format.md"


@pytest.fixture
def results(db):
    """A database with versions, a sub-database, a deleted and a renamed key."""
    for number in range(3):
        db["rates"] = [number] * 3000
    db["cells/deep/L5PT"] = np.arange(5)
    db["gone"] = 1
    del db["gone"]
    db["old"] = 1
    db.rename("old", "new")
    return db


def kinds(db, **asked) -> list[str]:
    return sorted({finding.kind for finding in isfdb.verify(db, **asked)})


def forge(db) -> None:
    """Rewrite the newest version of a key and everything that tells of it, so that all fits again."""
    path = Path(db.path)
    record_file = path / "rates.key" / "v000003" / "metadata.json"
    record = json.loads(record_file.read_text())
    old = record["record"]
    record_file.write_text(sealed_text(record | {"created": "2020-01-01T00:00:00.000000+00:00", "describe": {"type": "forged"}}))
    new = json.loads(record_file.read_text())["record"]
    at = '"time": "2020-01-01T00:00:00.000+00:00"'
    rewrite_logs(db, lambda line: re.sub(r'"time": "[^"]*"', at, line.replace(old, new)) if old in line else line)


def rewrite_logs(db, edited: Callable[[str], str]) -> None:
    """Edit every line of every log, and chain the lines again."""
    for log in (Path(db.path) / ".isfdb" / "sessions").iterdir():
        previous, lines = None, []
        for text in log.read_text().splitlines():
            line = re.sub(r'"previous": (null|"[0-9a-f]{64}")', lambda _: f'"previous": {json.dumps(previous)}', edited(text))  # noqa: B023
            previous = digest_of(line.encode())
            lines.append(line)
        log.write_text("\n".join(lines) + "\n")


def test_an_untouched_database_is_as_sealed(results):
    seal = isfdb.seal(results)
    found = isfdb.verify(results, against=seal.head)
    assert not found
    assert f"head {seal.head}: nothing added" in found.remarks[0]
    assert seal.counts["keys"] == 5 and seal.counts["versions"] == 8  # the renamed key's old name is a key with a tombstone


def test_the_same_state_has_the_same_head_and_seals_name_the_seal_before(results):
    first = isfdb.seal(results)
    assert first.covered.head(results.id, None) == first.head
    second = isfdb.seal(results)
    assert (second.number, second.previous) == (2, first.head)
    assert not isfdb.verify(results, against=first.head) and not isfdb.verify(results, against=second.head)


def test_what_is_added_renamed_reclaimed_or_deleted_since_is_told_and_no_finding(results):
    head = isfdb.seal(results).head
    results["rates"] = 4
    results["more"] = 5
    results.rename("cells", "neurons")
    del results["new"]
    results.collect(grace_s=0)
    found = isfdb.verify(results, against=head)
    assert not found
    assert found.remarks[0].endswith("3 versions of 3 keys added, 1 version under another name, the data of 3 versions reclaimed")


def test_a_removed_sub_database_is_told_and_a_finding_only_for_who_asks_about_the_seal(results):
    """What was sealed is not there any more, which a seal is to tell; that nobody tampered with it is told, too."""
    results["cells/deep/L5PT"] = 2
    head = isfdb.seal(results).head
    results["cells"].remove()
    found = isfdb.verify(results)
    assert not found
    assert "2 versions removed with sub-databases, as the logs tell" in found.remarks[0]
    asked = isfdb.verify(results, against=head)
    assert [one.kind for one in asked] == ["not as sealed"]
    assert "covers 2 versions of cells/deep/L5PT, removed with sub-databases, as the logs tell" in str(asked)


def test_what_was_taken_away_besides_what_was_removed_is_found(results):
    isfdb.seal(results)
    results["cells"].remove()
    shutil.rmtree(Path(results.path, "rates.key"))
    assert "rates" in {one.key for one in isfdb.verify(results) if one.kind == "not as sealed"}


def test_a_log_written_anew_is_not_as_sealed(results):
    isfdb.seal(results)
    rewrite_logs(results, lambda line: re.sub(r'"time": "[^"]*"', '"time": "2020-01-01T00:00:00.000+00:00"', line))
    assert any("which are not there as they were" in finding.message for finding in isfdb.verify(results))


@pytest.mark.parametrize("forges_seal", [False, True])
def test_a_rewritten_history_is_not_as_sealed(results, forges_seal: bool):
    db = isfdb.open(results.path)
    head = isfdb.seal(db).head
    copy = Path(db.path, ".isfdb", "seals", "000001.json").read_bytes()
    forge(db)
    assert {"not as sealed"} <= set(kinds(db, against=head))
    if forges_seal:
        shutil.rmtree(Path(db.path, ".isfdb", "seals"))
        isfdb.seal(db)
        assert "unknown seal" in kinds(db, against=head)
        kept = Path(db.path).parent / "kept.json"
        kept.write_bytes(copy)
        assert "not as sealed" in kinds(db, against=kept)


@pytest.mark.parametrize("what", ["rates.key/v000003", "new.key", "cells", "gone.key/v000002"])
def test_what_is_taken_away_is_not_as_sealed(results, what: str):
    head = isfdb.seal(results).head
    shutil.rmtree(Path(results.path, what))
    assert "not as sealed" in kinds(results, against=head)
    assert "not as sealed" in kinds(results)  # and so without a head, as long as the seal is there


def test_a_state_of_before_brought_back_whole_is_found_by_its_head(results, tmp_path: Path):
    shutil.copytree(results.path, tmp_path / "backup")
    results["rates"] = 5
    head = isfdb.seal(results).head
    older = isfdb.open(tmp_path / "backup")
    assert kinds(older) == []
    assert kinds(older, against=head) == ["unknown seal"]


def test_a_seal_taken_away_is_missed_and_what_it_covered_put_together_from_the_logs(results):
    head = isfdb.seal(results).head
    results["rates"] = 4
    results.rename("cells", "neurons")
    shutil.rmtree(Path(results.path, ".isfdb", "seals"))
    found = isfdb.verify(results, against=head)
    assert [finding.kind for finding in found] == ["changed seal"]
    assert "put together again" in found.remarks[0]
    assert "1 version of 1 key added" in found.remarks[1]


def test_a_forged_or_reordered_seal_is_found(results):
    for _ in range(3):
        isfdb.seal(results)
    folder = Path(results.path, ".isfdb", "seals")
    original = (folder / "000002.json").read_text()
    record = json.loads(original)
    record["versions"].pop("rates.key/v000003")
    (folder / "000002.json").write_text(json.dumps(record))
    assert "changed seal" in kinds(results)
    (folder / "000002.json").write_text((folder / "000001.json").read_text())
    assert "changed seal" in kinds(results)
    (folder / "000002.json").write_text(original)
    assert kinds(results) == []
    (folder / "000003.json").unlink()
    assert kinds(results) == ["changed seal"]


def test_a_head_of_another_database_and_nonsense_are_told_apart(results, tmp_path: Path):
    isfdb.seal(results)
    assert "unknown seal" in kinds(results, against="0" * 64)
    with pytest.raises(OptionError, match="neither a head"):
        isfdb.verify(results, against="yesterday")
    with pytest.raises(OptionError, match="whole database"):
        isfdb.verify(results, key="rates", against="0" * 64)
    with pytest.raises(ReadOnlyError, match="cannot seal it"):
        isfdb.seal(isfdb.open(results.path, mode="r"))


def test_the_program_in_the_documentation_computes_the_head_without_isfdb(results, tmp_path: Path):
    isfdb.seal(results)
    results["rates"] = 7
    isfdb.seal(results)
    section = FORMAT_PAGE.read_text().partition("\n## Seals\n")[2]
    program = section.partition("```python\n")[2].partition("```")[0]
    assert "isfdb" not in re.findall(r"^(?:import|from) (\w+)", program, re.M)
    script = tmp_path / "head.py"
    script.write_text(program)

    def run() -> list[str]:
        done = subprocess.run([sys.executable, script, results.path], capture_output=True, text=True, check=True)
        return [line.split()[-1] for line in done.stdout.splitlines()]

    assert run() == ["fits", "fits"]
    path = Path(results.path, "new.key", "v000001", "metadata.json")
    path.write_bytes(path.read_bytes() + b" ")
    assert run() == ["FIT", "FIT"]


# Signatures ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private and a public key, as openssl writes them."""
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    encoding = serialization.Encoding.PEM
    private.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
    private.chmod(0o600)
    return private, public


def test_a_signed_seal_is_verified_with_the_public_key(results, keys):
    private, public = keys
    head = isfdb.seal(results, sign=private).head
    found = isfdb.verify(results, against=head, public_key=public)
    assert not found and "is signed with the key" in found.remarks[-1]


def test_a_missing_wrong_or_replaced_signature_is_found(results, keys):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from isfdb.sealing.signatures import SigningKey

    private, public = keys
    assert kinds(results, public_key=public) == ["bad signature"]
    seal = isfdb.seal(results, sign=private)
    path = Path(results.path, ".isfdb", "seals", "000001.json")
    record = json.loads(path.read_text())
    for signature in (
        None,
        record["signature"] | {"value": "00" * 64},
        SigningKey(Ed25519PrivateKey.generate()).sign(results.id, seal.head).to_json(),
        SigningKey(Ed25519PrivateKey.generate()).sign(results.id, seal.head).to_json() | {"public_key": record["signature"]["public_key"]},
    ):
        path.write_text(json.dumps(record | {"signature": signature}))
        assert kinds(results, public_key=public) == ["bad signature"]
    path.write_text(json.dumps(record))
    assert kinds(results, public_key=public) == []


def test_a_key_that_others_may_read_or_that_lies_in_the_database_is_refused(results, keys):
    private, public = keys
    private.chmod(0o644)
    with pytest.raises(OptionError, match="chmod 600"):
        isfdb.seal(results, sign=private)
    private.chmod(0o600)
    inside = Path(results.path, "key.pem")
    shutil.copy(private, inside)
    with pytest.raises(OptionError, match="lies in the database"):
        isfdb.seal(results, sign=inside)
    inside.unlink()
    with pytest.raises(OptionError, match="private key"):
        isfdb.seal(results, sign=_private(public))
    assert not os.path.exists(f"{results.path}/.isfdb/seals")


def _private(path: Path) -> Path:
    path.chmod(0o600)
    return path


def test_the_command_line_verifies_against_a_head(results, capsys):
    head = isfdb.seal(results).head
    assert main(["verify", results.path, "--against", head]) == 0
    assert "nothing added" in capsys.readouterr().out
    shutil.rmtree(Path(results.path, "rates.key", "v000003"))
    assert main(["verify", results.path, "--against", head]) == 1
    assert "not as sealed" in capsys.readouterr().out
    assert main(["verify", results.path, "--against", "nonsense"]) == 2


def test_the_command_line_seals_after_an_audit(results, keys, capsys):
    private, public = keys
    main(["audit", results.path, "--no-replay", "--seal", "--sign", str(private), "--json"])
    told = json.loads(capsys.readouterr().out)["seals"]
    assert [seal["number"] for seal in told] == [1]
    assert main(["verify", results.path, "--against", told[0]["head"], "--public-key", str(public)]) == 0
    assert main(["audit", results.path, "--no-replay", "--sign", str(public)]) == 2
