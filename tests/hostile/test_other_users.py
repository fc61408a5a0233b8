"""Several users of one computer and one shared database: who may read and write what, and that nobody runs code as somebody else.

Processes take the identity of other users, which only root may do: elsewhere these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from isfdb.testing.reliability_table import Tally

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may act as other users, and CI is root in one of its jobs"
)

STRANGER, COLLEAGUE, GROUP = 61001, 61002, 61000

# An interpreter in root's home cannot be read by others: all that is imported is imported before a child becomes another user.
PROGRAM = """
import contextlib, io, json, os, pickle, shutil, stat, sys, tempfile, traceback, warnings
import numpy as np
import isfdb
from isfdb import trust
from tests.hostile.forging import seal
warnings.simplefilter("ignore")

class Custom:
    def __init__(self, mark):
        self.mark = mark
    def __reduce__(self):
        return open, (self.mark, "w")

class Harmless:
    pass

with tempfile.TemporaryDirectory() as warm:
    os.environ["ISFDB_DATA_FOLDER"] = warm + "/user"
    db = isfdb.open(warm + "/db")
    db["a"], db["b"], db["c/d"], db["p"] = 1, np.arange(3), [1], Harmless()
    db.attributes["a"]["x"] = 1
    db.attach("f", isfdb.__file__)
    db["b"], db["p"], isfdb.verify(db), db.collect(), isfdb.seal(db), repr(db), db.ls(), trust.trust(db.id, db.path)
    del db["a"]
    os.environ["ISFDB_DATA_FOLDER"] = warm + "/other"
    for act in (lambda: db["p"], lambda: db["nothing"], lambda: isfdb.open(warm + "/no", "r")):
        try:
            act()
        except isfdb.errors.IsfdbError:
            pass

def fails(act):
    try:
        act()
    except isfdb.errors.IsfdbError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing failed"

def become(uid, group, umask, folder):
    os.setgroups([group])
    os.setgid(uid)
    os.setuid(uid)
    os.umask(int(umask, 8))
    os.environ.update(ISFDB_DATA_FOLDER=f"{folder}/data", ISFDB_CACHE_FOLDER=f"{folder}/cache", HOME=folder)

for line in sys.stdin:
    path, folder, uid, group, umask, source, answer = json.loads(line)
    if os.fork():
        os.wait()
        print("done", flush=True)
        continue
    said, error = io.StringIO(), ""
    descriptor = os.open(answer, os.O_WRONLY)
    become(uid, group, umask, folder)
    try:
        with contextlib.redirect_stdout(said):
            exec(source)
    except BaseException:
        error = traceback.format_exc()
    os.write(descriptor, json.dumps([said.getvalue(), error]).encode())
    os._exit(0)
"""


@dataclass(frozen=True)
class Computer:
    """A folder that all users reach, with a home for each."""

    root: Path
    process: subprocess.Popen[str]

    @property
    def path(self) -> Path:
        """Where the shared database is."""
        return self.root / "shared" / "results"

    def home(self, uid: int) -> Path:
        """Return a user's home, for nobody else to enter."""
        folder = self.root / str(uid)
        if not folder.exists():
            folder.mkdir(mode=0o700)
            os.chown(folder, uid, uid)
        return folder

    def act(self, uid: int, source: str, *, umask: str = "002") -> str:
        """Have a user, a member of the group, run a program, and return what it printed."""
        answer = self.root / "answer"
        answer.write_text("")
        asked = [str(self.path), str(self.home(uid)), uid, GROUP, umask, source, str(answer)]
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "done\n"
        said, error = json.loads(answer.read_text())
        assert not error, error
        return str(said)


@pytest.fixture(scope="module")
def users() -> Iterator[subprocess.Popen[str]]:
    """A process that has children act as other users."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        yield process


@pytest.fixture
def computer(users: subprocess.Popen[str]) -> Iterator[Computer]:
    root = Path(tempfile.mkdtemp(prefix="isfdb-users-"))
    root.chmod(0o755)
    shared = root / "shared"
    shared.mkdir()
    os.chown(shared, 0, GROUP)
    shared.chmod(0o2775)
    yield Computer(root, users)
    shutil.rmtree(root)


def modes(path: Path) -> dict[str, os.stat_result]:
    return {str(one.relative_to(path)): one.lstat() for one in [path, *path.rglob("*")]}


STORE = """
db = isfdb.open(path)
db["a"], db["b"], db["cells/d"] = 1, np.arange(1000), [1]
db.attributes["a"]["unit"] = "Hz"
db["b"] = np.arange(10)
del db["a"]
db.collect(grace_s=0)
isfdb.seal(db)
db.create_managed_folder("raw")
"""


def test_files_take_the_umask_and_the_group_of_the_folder_above(computer: Computer) -> None:
    computer.act(COLLEAGUE, STORE, umask="002")
    found = modes(computer.path)
    assert {one.st_gid for one in found.values()} == {GROUP}
    assert all(stat.S_IMODE(one.st_mode) == (0o2775 if stat.S_ISDIR(one.st_mode) else 0o664) for one in found.values())


def test_with_a_narrow_umask_nothing_is_for_others(computer: Computer) -> None:
    computer.act(COLLEAGUE, STORE, umask="077")
    assert not [name for name, one in modes(computer.path).items() if one.st_mode & 0o077]
    assert "nothing failed" not in computer.act(STRANGER, "print(fails(lambda: isfdb.open(path, 'r')['b']))")


def test_members_of_the_group_write_into_one_database(computer: Computer) -> None:
    computer.act(STRANGER, STORE)
    computer.act(COLLEAGUE, "db = isfdb.open(path); db['b'] = 2; db['new'] = 3; db.attributes['b']['x'] = 1; db.collect(grace_s=0)")
    assert computer.act(
        STRANGER, "db = isfdb.open(path); print(db['b'], db['new'], dict(db.attributes['b']), len(isfdb.verify(db).serious))"
    ) == ("2 3 {'x': 1} 0\n")


ATTACKS = {
    "a pickle of his own": "db['k'] = Custom(mark)",
    "his pickle as a new version of ours": "db['mine'] = Custom(mark)",
    "his bytes in place of ours": "open(db.entry('mine').path / 'data.pickle', 'wb').write(pickle.dumps(Custom(mark)))",
    "his file under our name": (
        "file = db.entry('mine').path / 'data.pickle'; size = file.stat().st_size; file.unlink(); "
        "file.write_bytes(pickle.dumps(Custom(mark)).ljust(size, b'.')[:size])"
    ),
    "our signature on his record": (
        "folder = db.entry('mine').path; (folder / 'code.py').unlink(missing_ok=True); "
        "signature = db.entry('mine').metadata['signature']; nonce = db.entry('mine').metadata['nonce']; "
        "digest = db.entry('mine').metadata['digest']; (folder / 'data.pickle').write_bytes(pickle.dumps(Custom(mark))); "
        "seal(folder, 'mine', signature=signature, nonce=nonce, digest=digest)"
    ),
    "his key in place of ours": "os.access(victim, os.W_OK) and open(victim + '/data/signing.key', 'wb').write(b'x' * 32)",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_who_may_write_a_shared_database_cannot_run_code_as_another(attack: str, computer: Computer, tally: Tally) -> None:
    mark = computer.root / "mark"
    computer.act(COLLEAGUE, "db = isfdb.open(path); db['mine'] = Harmless(); db['plain'] = [1, 2]")
    told = f"mark, victim = {str(mark)!r}, {str(computer.home(COLLEAGUE))!r}\n"
    computer.act(STRANGER, f"{told}db = isfdb.open(path)\n{ATTACKS[attack]}")
    mark.unlink(missing_ok=True)
    look = (
        "db = isfdb.open(path, 'r'); print([fails(lambda: db[key]).partition(':')[0] for key in ('k', 'mine') if key in db], db['plain'])"
    )
    said = computer.act(COLLEAGUE, look)
    tally("an attack of another user who may write the shared database", tries=1, wrong=int(mark.exists()))
    assert not mark.exists()
    assert "[1, 2]" in said
    assert attack == "his key in place of ours" or any(
        name in said for name in ("UntrustedDataError", "ChecksumMismatch", "IncompleteVersion")
    )


def test_the_attack_works_on_who_trusts_the_database(computer: Computer) -> None:
    mark = computer.root / "mark"
    computer.root.chmod(0o1777)
    computer.act(STRANGER, f"db = isfdb.open(path); db['k'] = Custom({str(mark)!r})")
    mark.unlink(missing_ok=True)
    computer.act(COLLEAGUE, "db = isfdb.open(path, 'r'); trust.trust(db.id, db.path); db['k']")
    assert mark.exists(), "this is what trust means, and what the tests above would have shown"


def test_a_signing_key_and_the_list_are_for_their_user(computer: Computer) -> None:
    computer.act(COLLEAGUE, "db = isfdb.open(path); os.umask(0); db['p'] = Harmless(); trust.trust(db.id, db.path)")
    data = computer.home(COLLEAGUE) / "data"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir() if "trust" in path.name or "key" in path.name} == {
        "signing.key": 0o600,
        "trust.json": 0o600,
        "trust.json.lock": 0o600,
    }
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_database_of_another_user_is_read_where_he_lets_one(computer: Computer) -> None:
    computer.act(STRANGER, "db = isfdb.open(path); db['a'] = [1, 2]; db['p'] = Harmless()", umask="022")
    look = "db = isfdb.open(path); print(db['a'], fails(lambda: db['p'])[:18], fails(lambda: db.set('a', 1)), fails(lambda: db.collect()))"
    said = computer.act(COLLEAGUE, look)
    assert said.startswith("[1, 2] UntrustedDataError ReadOnlyError")


def test_a_folder_that_everybody_may_write_is_not_trusted(computer: Computer) -> None:
    computer.act(COLLEAGUE, "db = isfdb.open(path); db['a'] = 1")
    said = "db = isfdb.open(path, 'r'); print(fails(lambda: trust.trust(db.id, db.path)))"
    computer.path.chmod(0o2777)
    assert "chmod o-w" in computer.act(COLLEAGUE, said)
    computer.path.chmod(0o2775)
    computer.path.parent.chmod(0o2777)
    assert "chmod o-w" in computer.act(COLLEAGUE, said)
    computer.path.parent.chmod(0o2775)
    assert computer.act(COLLEAGUE, said) == "nothing failed\n"
