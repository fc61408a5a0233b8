"""Trust: only this user's signature or this user's list lets data run code, and the database has no say in either."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from isfdb import trust
from isfdb.errors import PickleWarning, UntrustedDataError
from isfdb.options import set_options

if TYPE_CHECKING:
    from pathlib import Path

posix_only = pytest.mark.skipif(os.name != "posix", reason="permission bits and owners are those of POSIX")
PAYLOAD = trust.payload("d" * 64, "0123456789abcdef")
ID = "1" * 32


@pytest.fixture
def folder(tmp_path: Path):
    place = tmp_path / "home" / "isfdb"
    trust._warned.clear()
    with set_options(data_folder=place):
        yield place


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "results"
    path.mkdir()
    return path


def test_what_i_signed_is_mine(folder: Path) -> None:
    signature = trust.sign(PAYLOAD)
    assert signature is not None
    assert len(signature) == 64
    assert trust.is_signed_by_me(PAYLOAD, signature)
    assert not trust.is_signed_by_me(PAYLOAD + b"x", signature)
    assert trust.sign(PAYLOAD) == signature


@pytest.mark.parametrize("signature", [None, "", "0" * 64, "é" * 64, "\ud800", 7, b"0" * 64])
def test_a_foreign_signature_is_refused_whatever_it_is(folder: Path, signature: object) -> None:
    trust.sign(PAYLOAD)
    assert not trust.is_signed_by_me(PAYLOAD, signature)  # type: ignore[arg-type]


def test_another_key_signs_differently(tmp_path: Path, folder: Path) -> None:
    signature = trust.sign(PAYLOAD)
    with set_options(data_folder=tmp_path / "somebody else"):
        assert trust.sign(PAYLOAD) != signature
        assert not trust.is_signed_by_me(PAYLOAD, signature)
    assert trust.is_signed_by_me(PAYLOAD, signature)


@posix_only
def test_the_key_is_for_nobody_else(folder: Path) -> None:
    previous = os.umask(0)
    try:
        trust.sign(PAYLOAD)
        trust.trust(ID, folder.parent.parent)  # above the folders that were made just now, into which everybody may write
    finally:
        os.umask(previous)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "signing.key": 0o600,
        "trust.json": 0o600,
        "trust.json.lock": 0o600,
    }
    assert len(folder.joinpath("signing.key").read_bytes()) == 32


def test_asking_makes_no_key(folder: Path) -> None:
    assert not trust.is_signed_by_me(PAYLOAD, "0" * 64)
    assert trust.key_problem() is None
    assert not folder.exists()


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_open_to_others_is_refused_with_the_cure(folder: Path, database: Path, mode: int) -> None:
    signature = trust.sign(PAYLOAD)
    key = folder / "signing.key"
    key.chmod(mode)
    assert not trust.is_signed_by_me(PAYLOAD, signature)
    with pytest.warns(PickleWarning, match=f"stored unsigned.*chmod 600 .*{key.name}"):
        assert trust.sign(PAYLOAD) is None
    reason = trust.reason_not_to_run(ID, database, PAYLOAD, signature)
    assert reason is not None
    assert f"chmod 600 {key}" in reason
    key.chmod(0o600)
    assert trust.is_signed_by_me(PAYLOAD, signature)


def test_a_damaged_key_is_refused_and_not_replaced(folder: Path) -> None:
    trust.sign(PAYLOAD)
    key = folder / "signing.key"
    key.write_bytes(b"short")
    with pytest.warns(PickleWarning, match="is damaged: it has 5 bytes"):
        assert trust.sign(PAYLOAD) is None
    assert key.read_bytes() == b"short"


def test_a_key_of_another_user_is_refused(folder: Path) -> None:
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can give a file to another user: a key of another user was not tested")
    signature = trust.sign(PAYLOAD)
    os.chown(folder / trust.KEY_FILE, 12345, 12345)
    assert not trust.is_signed_by_me(PAYLOAD, signature)
    assert "belongs to another user (uid 12345)" in str(trust.key_problem())


def test_a_key_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    planted = tmp_path / "planted"
    planted.write_bytes(b"k" * 32)
    planted.chmod(0o600)
    folder.joinpath("signing.key").symlink_to(planted)
    with pytest.warns(PickleWarning, match="no plain file"):
        assert trust.sign(PAYLOAD) is None


def test_without_a_place_for_the_key_writing_goes_on_and_loading_says_why_not(tmp_path: Path, database: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    trust._warned.clear()
    with set_options(data_folder=in_the_way / "isfdb"):
        with pytest.warns(PickleWarning, match="stored unsigned"):
            assert trust.sign(PAYLOAD) is None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert trust.sign(PAYLOAD) is None  # the same reason is told once
        assert "isfdb trust" in str(trust.reason_not_to_run(ID, database, PAYLOAD, None))
        with pytest.raises(UntrustedDataError, match="ISFDB_DATA_FOLDER"):
            trust.trust(ID, database)


def test_trust_is_for_one_id_at_one_place(folder: Path, database: Path, tmp_path: Path) -> None:
    trust.trust(ID, database)
    assert trust.is_trusted(ID, database)
    assert not trust.is_trusted("2" * 32, database)
    assert not trust.is_trusted(ID, tmp_path / "copy")
    link = tmp_path / "link"
    link.symlink_to(database)
    assert trust.is_trusted(ID, link)
    assert [(entry["id"], entry["path"]) for entry in trust.trusted()] == [(ID, str(database))]
    assert trust.reason_not_to_run(ID, database, PAYLOAD, None) is None
    assert list(database.iterdir()) == []


def test_distrust_takes_it_back(folder: Path, database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    trust.trust(ID, database)
    trust.trust(ID, copy)
    assert trust.distrust(ID, copy) == 1
    assert trust.is_trusted(ID, database)
    assert not trust.is_trusted(ID, copy)
    assert trust.distrust(ID) == 1
    assert trust.distrust(ID) == 0
    assert trust.trusted() == ()


@posix_only
def test_a_folder_anybody_may_write_is_not_trusted(folder: Path, database: Path) -> None:
    database.chmod(0o777)
    with pytest.raises(UntrustedDataError, match="chmod o-w"):
        trust.trust(ID, database)
    database.chmod(0o755)
    trust.trust(ID, database)
    database.chmod(0o777)
    assert not trust.is_trusted(ID, database)
    assert "anybody on this computer may write into" in str(trust.reason_not_to_run(ID, database, PAYLOAD, None))


@posix_only
@pytest.mark.parametrize("open_to_all", ["a.key", "a.key/v000001", "a.key/v000001/data.pickle", ".."])
def test_nor_is_one_of_which_anybody_may_change_a_part(folder: Path, database: Path, open_to_all: str) -> None:
    file = "a.key/v000001/data.pickle"
    (database / file).parent.mkdir(parents=True)
    (database / file).touch()
    trust.trust(ID, database)
    assert trust.is_trusted(ID, database, [file])
    before = (database / open_to_all).stat().st_mode
    (database / open_to_all).chmod(0o777)
    assert not trust.is_trusted(ID, database, [file])
    assert "chmod o-w" in str(trust.reason_not_to_run(ID, database, PAYLOAD, None, [file]))
    (database / open_to_all).chmod(0o1777)  # as /tmp is: there, nobody may rename what is not his
    assert trust.is_trusted(ID, database, [file]) == (open_to_all == "..")
    (database / open_to_all).chmod(before)


@posix_only
def test_a_list_others_may_write_is_not_believed(folder: Path, database: Path) -> None:
    trust.trust(ID, database)
    folder.joinpath("trust.json").chmod(0o666)
    assert not trust.is_trusted(ID, database)
    assert "chmod 600" in str(trust.reason_not_to_run(ID, database, PAYLOAD, None))
    with pytest.raises(UntrustedDataError, match="chmod 600"):
        trust.trusted()


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"trusted": 3}', '{"trusted": [3]}', '{"trusted": [{}]}', "[" * 100_000])
def test_a_list_that_makes_no_sense_trusts_nothing_and_is_not_overwritten(folder: Path, database: Path, text: str) -> None:
    folder.mkdir(parents=True)
    path = folder / "trust.json"
    path.write_text(text)
    path.chmod(0o600)
    assert not trust.is_trusted(ID, database)
    with pytest.raises(UntrustedDataError, match="cannot be understood"):
        trust.trust(ID, database)
    assert path.read_text() == text


@pytest.mark.skipif(sys.platform != "linux", reason="paths that are no text exist on Linux")
def test_a_path_that_is_no_text_can_be_trusted_and_shown(folder: Path, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/r\xff\x1b[2Jb\xe2\x80\xaed")
    os.mkdir(path)
    trust.trust(ID, path)
    assert trust.is_trusted(ID, path)
    assert trust.trusted()[0]["path"] == path
    reason = trust.reason_not_to_run("2" * 32, path, PAYLOAD, None)
    assert reason is not None
    assert reason.isprintable()
    reason.encode()


def test_eight_processes_make_one_key_and_lose_no_entry(folder: Path, tmp_path: Path) -> None:
    script = """
import sys
from isfdb import trust
from isfdb.options import set_options
set_options(data_folder=sys.argv[1])
print(trust.sign(b"the same"))
for count in range(5):
    trust.trust("%032x" % (int(sys.argv[3]) * 100 + count), sys.argv[2])
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", script, str(folder), str(tmp_path), str(number)], stdout=subprocess.PIPE, text=True
        )
        for number in range(8)
    ]
    signatures = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    assert len(signatures) == 1
    assert len(trust.trusted()) == 40
    assert sorted(path.name for path in folder.iterdir()) == ["signing.key", "trust.json", "trust.json.lock"]
