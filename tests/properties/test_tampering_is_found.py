"""A random history by several processes is sound; whatever is then tampered with is found, by verify or by verify against a seal."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import isfdb
from isfdb.hashing import digest_of
from isfdb.manifest import seal as sealed_text

# One process: random steps on a few keys. What it does is not looked at; only that it is isfdb that does it.
PROCESS = """
import random, sys, isfdb
chance = random.Random(int(sys.argv[2]))
db = isfdb.open(sys.argv[1])
names = ["a", "b", "sub/a", "sub/b", "deep/er/c"]

def step():
    key, other = chance.choice(names), chance.choice(names)
    kind = chance.randrange(9)
    if kind < 4 or key not in db:
        db[key] = [chance.random()] * chance.choice([1, 2000])
    elif kind == 4:
        del db[key]
    elif kind == 5 and other not in db:
        db.rename(key, other)
    elif kind == 6:
        db.copy(key, other)
    elif kind == 7:
        with db.batch():
            db[key], db[other] = 1, 2
            db[key] = 3
    elif kind == 8:
        db.collect(grace_s=0)

for _ in range(8):
    try:
        step()
    except isfdb.errors.IsfdbError:
        pass  # another process was quicker
"""


def history(path: Path, chance: random.Random) -> None:
    for n_together in (1, 2, 1):
        seeds = [str(chance.randrange(10**6)) for _ in range(n_together)]
        running = [subprocess.Popen([sys.executable, "-c", PROCESS, str(path), seed]) for seed in seeds]
        assert [process.wait() for process in running] == [0] * n_together


def records(path: Path) -> list[Path]:
    return sorted([*path.rglob("v*/metadata.json"), *path.rglob("v*/DELETED")])


def newest(path: Path) -> list[Path]:
    return sorted(max(key.glob("v*")) for key in path.rglob("*.key"))


def logs(path: Path) -> list[Path]:
    return sorted((path / ".isfdb" / "sessions").iterdir())


# Ways to tamper. Each takes the database's folder; what it returns says whether verify alone must find it.


def edit(path: Path, chance: random.Random) -> bool:
    file = chance.choice([file for file in path.rglob("v*/*") if file.is_file() and file.stat().st_size])
    data = bytearray(file.read_bytes())
    if file.name == "RECLAIMED":
        return edit(path, chance)  # says when, and nothing rests on that
    data[chance.randrange(len(data))] ^= 1
    file.write_bytes(data)
    return True


def edit_and_seal_anew(path: Path, chance: random.Random) -> bool:
    file = chance.choice(records(path))
    file.write_text(sealed_text(json.loads(file.read_text()) | {"created": "2020-01-01T00:00:00.000000+00:00"}))
    return True


def drop_newest(path: Path, chance: random.Random) -> bool:
    shutil.rmtree(chance.choice(newest(path)))
    return True


def drop_key(path: Path, chance: random.Random) -> bool:
    shutil.rmtree(chance.choice(sorted(path.rglob("*.key"))))
    return True


def drop_log(path: Path, chance: random.Random) -> bool:
    chance.choice(logs(path)[:-1]).unlink()  # that of the last session is missed where a version names it
    return True


def drop_line(path: Path, chance: random.Random) -> bool:
    log = chance.choice(logs(path))
    lines = log.read_bytes().splitlines(keepends=True)
    del lines[chance.randrange(len(lines) - 1)]
    log.write_bytes(b"".join(lines))
    return True


def reorder_lines(path: Path, chance: random.Random) -> bool:
    log = chance.choice(logs(path))
    lines = log.read_bytes().splitlines(keepends=True)
    at = chance.randrange(len(lines) - 1)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    log.write_bytes(b"".join(lines))
    return True


def cut_log_before_its_last_version(path: Path, chance: random.Random) -> bool:
    log = logs(path)[-1]
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: max(1, len(lines) - chance.randrange(1, 3))]))
    return False  # the last lines may tell of no version


def swap_keys(path: Path, chance: random.Random) -> bool:
    one, other = chance.sample(sorted(path.rglob("*.key")), 2)
    one.rename(path / "aside")
    other.rename(one)
    (path / "aside").rename(other)
    return True


def insert_copy(path: Path, chance: random.Random) -> bool:
    version = chance.choice(newest(path))
    target = version.with_name(f"v{int(version.name[1:]) + 1:06d}")
    shutil.copytree(version, target)
    file = next(file for file in (target / "metadata.json", target / "DELETED") if file.exists())
    record = json.loads(file.read_text())
    file.write_text(sealed_text(record | {"previous": record["record"]}))
    return True


def insert_untold(path: Path, chance: random.Random) -> bool:
    """Put in a version whose record says that no line could be written: honest ones say so, too."""
    version = chance.choice(newest(path))
    target = version.with_name(f"v{int(version.name[1:]) + 1:06d}")
    shutil.copytree(version, target)
    file = next(file for file in (target / "metadata.json", target / "DELETED") if file.exists())
    record = json.loads(file.read_text())
    file.write_text(sealed_text(record | {"previous": record["record"], "logged": None}))
    return False


def rewrite_everything(path: Path, chance: random.Random) -> bool:
    """Date a newest version back, and all that tells of it, so that everything fits again."""
    file = next(file for file in chance.choice(newest(path)).iterdir() if file.name in ("metadata.json", "DELETED"))
    record = json.loads(file.read_text())
    file.write_text(sealed_text(record | {"by": {"host": "elsewhere", "user": "nobody"}}))
    rechain(path, record["record"], json.loads(file.read_text())["record"])
    return False


def drop_newest_and_its_line(path: Path, chance: random.Random) -> bool:
    version = chance.choice(newest(path))
    file = next(file for file in version.iterdir() if file.name in ("metadata.json", "DELETED"))
    seal = json.loads(file.read_text())["record"]
    shutil.rmtree(version)
    rechain(path, seal, "f" * 64)
    rechain(path, f'"seal": "{"f" * 64}"', '"seal": null')
    return False


def rechain(path: Path, old: str, new: str) -> None:
    """Replace something in all logs, and chain them anew, the words of later sessions about earlier ones included."""
    for log in logs(path):
        previous, lines, before = None, [], log.read_bytes().splitlines()
        for text in log.read_text().replace(old, new).splitlines():
            lines.append(re.sub(r'"previous": (null|"[0-9a-f]{64}")', f'"previous": {json.dumps(previous)}', text))
            previous = digest_of(lines[-1].encode())
        log.write_text("\n".join(lines) + "\n")
        changed = {digest_of(text): digest_of(line.encode()) for text, line in zip(before, lines, strict=True)}
        for later in logs(path):
            if later.name > log.name:
                text = later.read_text()
                for one, other in changed.items():
                    text = text.replace(f'"digest": "{one}"', f'"digest": "{other}"')
                later.write_text(text)


TAMPER: list[Callable[[Path, random.Random], bool]] = [
    edit,
    edit_and_seal_anew,
    drop_newest,
    drop_key,
    drop_log,
    drop_line,
    reorder_lines,
    cut_log_before_its_last_version,
    swap_keys,
    insert_copy,
    insert_untold,
    rewrite_everything,
    drop_newest_and_its_line,
]


def serious(path: Path, **asked: str) -> list[str]:
    return [str(finding) for finding in isfdb.verify(isfdb.open(path, mode="r"), **asked).serious]


@pytest.mark.parametrize("seed", range(2))
def test_an_honest_history_is_sound_and_tampering_with_it_is_found(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    path = tmp_path / "results"
    history(path, chance)
    assert serious(path) == []
    sealed = tmp_path / "sealed"
    shutil.copytree(path, sealed)
    head = isfdb.seal(isfdb.open(sealed)).head
    assert serious(sealed, against=head) == []
    kept = tmp_path / "kept.json"
    shutil.copy(sealed / ".isfdb" / "seals" / "000001.json", kept)
    missed = []
    for tamper in TAMPER:
        for _ in range(2):
            state, copy = chance.getstate(), tmp_path / "copy"
            shutil.copytree(path, copy)
            must = tamper(copy, chance)
            if must and not serious(copy):
                missed.append(f"{tamper.__name__}: verify")
            shutil.rmtree(copy)
            if tamper is not insert_untold:  # which is told as added since
                chance.setstate(state)
                shutil.copytree(path, copy)
                tamper(copy, chance)
                if not serious(copy, against=str(kept)):
                    missed.append(f"{tamper.__name__}: verify against a seal")
                shutil.rmtree(copy)
    assert not missed
