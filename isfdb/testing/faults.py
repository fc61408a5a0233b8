"""Faults for tests: records what a storage asks of the file system, loses it as a power cut may, or fails single calls.

Nothing here is used by isfdb itself. Authors of storages and loaderdumpers may use it to see what a crash leaves of their files::

    recorder = RecordingCalls(folder)
    with calls_go_to(recorder):
        db = isfdb.open(folder)
        db["rates"] = rates
        recorder.mark("stored")
    for state in crash_states(recorder.trace, recorder.start):
        state.write_to(fresh_folder)  # then open it and look, knowing that state.marks had been reached

The model of a power cut is the weak one of POSIX. What a file got since it was last flushed is whole, halved, zeroed or gone; each name
made or removed in a folder since that folder was last flushed is there or not, whatever became of the others. A rename is atomic.
"""

from __future__ import annotations

import itertools
import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from isfdb.storage import local
from isfdb.storage.file_calls import FileCalls

#: Subsets of what may be lost that are tried for one moment; beyond it they are sampled, the same ones every time.
MAX_SUBSETS = 4096


@dataclass(frozen=True)
class Call:
    """One call that changed, or flushed, the file system.

    Attributes
    ----------
    name : str
        ``make_folder``, ``rewrite``, ``append``, ``rename``, ``link``, ``unlink``, ``remove_folder``, ``flush`` or ``mark``.
    paths : tuple of str
        Relative to the recorder's folder; of a mark its text.
    data : bytes
        What was written.
    """

    name: str
    paths: tuple[str, ...]
    data: bytes = b""

    def __str__(self) -> str:
        return f"{self.name} {' -> '.join(self.paths)}"


class RecordingCalls(FileCalls):
    """Makes every call and writes it down.

    What others wrote into a folder, as a loaderdumper does into its stage, is noticed when the folder is flushed or renamed, and
    written down as calls made just before that.

    Parameters
    ----------
    folder : str
        What lies elsewhere is not recorded. What lies here now counts as being on the disk.
    flushes : bool
        False: flushes are neither made nor recorded. A test that does not fail then tests nothing.

    Attributes
    ----------
    start, trace : list of Call
        How to make what lay in `folder` at first, and what was done since.
    """

    def __init__(self, folder: str, *, flushes: bool = True) -> None:
        self.folder = os.path.abspath(folder)
        self.flushes = flushes
        self.trace: list[Call] = []
        self._seen: dict[str, tuple[int, ...]] = {"": ()}
        self._notice(self.folder)
        self.start, self.trace = self.trace, []

    def mark(self, text: str) -> None:
        """Note that the caller reached a point, for example that a value was acknowledged."""
        self.trace.append(Call("mark", (text,)))

    def _relative(self, path: str) -> str | None:
        if path == self.folder:
            return ""
        return path[len(self.folder) + 1 :] if path.startswith(f"{self.folder}/") else None

    def _record(self, name: str, *paths: str, data: bytes = b"") -> None:
        known = [relative for path in paths if (relative := self._relative(path)) is not None]
        for path in known:
            self._note_parents(path)
        if len(known) == len(paths):
            self.trace.append(Call(name, tuple(known), data))

    def _note_parents(self, relative: str) -> None:
        parent = relative.rpartition("/")[0]
        if parent not in self._seen:
            self._note_parents(parent)
            self._seen[parent] = ()
            self.trace.append(Call("make_folder", (parent,)))

    def _look(self, path: str) -> None:
        """Remember a file or folder as it is now, so that `_notice` finds only what others change."""
        if (relative := self._relative(path)) is not None:
            self._seen[relative] = _facts(path)

    def _notice(self, path: str) -> None:
        relative = self._relative(path)
        if relative is None:
            return
        facts = _facts(path)
        if self._seen.get(relative) != facts:
            self._note_new(path, relative, facts)
        if not facts:
            for name in sorted(os.listdir(path)):
                self._notice(f"{path}/{name}")

    def _note_new(self, path: str, relative: str, facts: tuple[int, ...]) -> None:
        twin = next((other for other, seen in self._seen.items() if facts and seen[:2] == facts[:2] and other != relative), None)
        self._seen[relative] = facts
        if not facts:
            self._record("make_folder", path)
        elif twin is not None and os.path.exists(f"{self.folder}/{twin}"):
            self._record("link", f"{self.folder}/{twin}", path)
        else:
            with open(path, "rb") as file:
                self._record("rewrite", path, data=file.read())

    def make_folder(self, path: str) -> None:
        """Create one folder."""
        super().make_folder(path)
        self._record("make_folder", path)
        self._look(path)

    def create(self, path: str, data: bytes) -> None:
        """Create a file."""
        super().create(path, data)
        self._record("rewrite", path, data=data)
        self._look(path)

    def rewrite(self, path: str, data: bytes) -> None:
        """Write a file anew."""
        super().rewrite(path, data)
        self._record("rewrite", path, data=data)
        self._look(path)

    def append(self, path: str, data: bytes) -> None:
        """Add to a file."""
        super().append(path, data)
        self._record("append", path, data=data)
        self._look(path)

    def rename(self, old: str, new: str) -> None:
        """Rename."""
        self._notice(old)
        super().rename(old, new)
        self._renamed(old, new)

    def replace(self, old: str, new: str) -> None:
        """Rename a file over another one."""
        self._notice(old)
        super().replace(old, new)
        self._renamed(old, new)

    def _renamed(self, old: str, new: str) -> None:
        self._record("rename", old, new)
        before, after = self._relative(old), self._relative(new)
        for path in [path for path in self._seen if before is not None and (path == before or path.startswith(f"{before}/"))]:
            facts = self._seen.pop(path)
            if after is not None:
                self._seen[after + path[len(before or "") :]] = facts

    def link(self, old: str, new: str) -> None:
        """Give a file a second name."""
        super().link(old, new)
        self._record("link", old, new)
        self._look(new)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        super().unlink(path)
        self._record("unlink", path)
        self._seen.pop(self._relative(path) or "", None)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        super().remove_folder(path)
        self._record("remove_folder", path)
        self._seen.pop(self._relative(path) or "", None)

    def flush(self, files: Sequence[str], folders: Sequence[str]) -> None:
        """Flush, if flushes are made here at all."""
        for path in (*files, *folders):
            self._notice(path)
        if self.flushes:
            super().flush(files, folders)
            inside = [relative for path in (*files, *folders) if (relative := self._relative(path)) is not None]
            self.trace.append(Call("flush", tuple(inside)))


def _facts(path: str) -> tuple[int, ...]:
    """Tell one state of a file from another; a folder has none."""
    found = os.lstat(path)
    return () if os.path.isdir(path) else (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@contextmanager
def calls_go_to(calls: FileCalls) -> Iterator[None]:
    """Let every local storage that is made inside the block send its calls to `calls`."""
    standing = local.make_calls
    local.make_calls = lambda: calls
    try:
        yield
    finally:
        local.make_calls = standing


# What a power cut leaves ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CrashState:
    """What may lie on the disk after a power cut.

    Attributes
    ----------
    files : dict
        Path -> content; None for a folder.
    marks : tuple of str
        The marks that had been reached.
    cut : int
        The power went before this call of the trace.
    lost : tuple of str
        What did not reach the disk, for people.
    """

    files: dict[str, bytes | None]
    marks: tuple[str, ...]
    cut: int
    lost: tuple[str, ...]

    def write_to(self, folder: str) -> None:
        """Make these files in `folder`."""
        os.makedirs(folder, exist_ok=True)
        for path, content in self.files.items():  # folders come before what lies in them
            if content is None:
                os.mkdir(f"{folder}/{path}")
            else:
                with open(f"{folder}/{path}", "wb") as file:
                    file.write(content)

    def __str__(self) -> str:
        lost = "".join([f"\n  lost: {text}" for text in self.lost])
        return f"power cut before call {self.cut}, after {list(self.marks)}{lost}"


_Name = tuple[int, str]  # folder, name in it


@dataclass(frozen=True)
class _NameChange:
    """Names that appear and vanish together."""

    node: int
    old: _Name | None
    new: _Name | None
    text: str

    @property
    def folder(self) -> int:
        """The folder whose flush makes this certain."""
        return (self.new or self.old or (0, ""))[0]


@dataclass
class _Disk:
    """Files and folders by number; what is certain, what is not yet, and what programs see."""

    seen: dict[int, dict[str, int]] = field(default_factory=lambda: {0: {}})
    certain: dict[int, dict[str, int]] = field(default_factory=lambda: {0: {}})
    contents: dict[int, list[bytes]] = field(default_factory=dict)  # each content since the last flush, the flushed one first
    names: list[_NameChange] = field(default_factory=list)  # not certain yet
    writes: dict[int, str] = field(default_factory=dict)  # files with content that is not certain yet

    def find(self, path: str) -> int:
        node = 0
        for name in path.split("/") if path else ():
            node = self.seen[node][name]
        return node

    def _name(self, path: str) -> _Name:
        parent, _, name = path.rpartition("/")
        return self.find(parent), name

    def do(self, call: Call) -> None:
        if call.name in ("make_folder", "rewrite", "append"):
            self._make(call)
        elif call.name == "link":
            self._change(_NameChange(self.find(call.paths[0]), None, self._name(call.paths[1]), str(call)))
        elif call.name == "rename":
            self._change(_NameChange(self.find(call.paths[0]), self._name(call.paths[0]), self._name(call.paths[1]), str(call)))
        elif call.name in ("unlink", "remove_folder"):
            self._change(_NameChange(self.find(call.paths[0]), self._name(call.paths[0]), None, str(call)))
        elif call.name == "flush":
            self.flush([self.find(path) for path in call.paths])

    def _make(self, call: Call) -> None:
        folder, name = self._name(call.paths[0])
        node = self.seen[folder].get(name)
        if node is None:
            node = len(self.seen) + len(self.contents)
            if call.name == "make_folder":
                self.seen[node], self.certain[node] = {}, {}
            else:
                self.contents[node] = [b""]
            self._change(_NameChange(node, None, (folder, name), f"name of {call.paths[0]}"))
        if call.name != "make_folder":
            before = self.contents[node][-1] if call.name == "append" else b""
            self.contents[node].append(before + call.data)
            self.writes[node] = f"content of {call.paths[0]}"

    def _change(self, change: _NameChange) -> None:
        self.names.append(change)
        self._apply(self.seen, change)

    def _apply(self, tree: dict[int, dict[str, int]], change: _NameChange) -> None:
        if change.node in tree and change.old and change.new:  # a folder has one name only, even if its making is lost
            for names in tree.values():
                for name in [name for name, node in names.items() if node == change.node]:
                    del names[name]
        if change.old and tree[change.old[0]].get(change.old[1]) == change.node:
            del tree[change.old[0]][change.old[1]]
        if change.new:
            tree[change.new[0]][change.new[1]] = change.node

    def flush(self, nodes: Sequence[int]) -> None:
        for node in nodes:
            if node in self.contents:
                self.contents[node] = self.contents[node][-1:]
                self.writes.pop(node, None)
        for change in [change for change in self.names if change.folder in nodes]:
            self._apply(self.certain, change)
            self.names.remove(change)

    def states(self, limit: int, chance: random.Random) -> Iterator[tuple[dict[str, bytes | None], tuple[str, ...]]]:
        """Give what may be there now, and what was lost for it."""
        pending = list(self.writes)
        variants = [_variants(self.contents[node]) for node in pending]
        settled = {node: contents[-1] for node, contents in self.contents.items()}
        for choice in _choices([2] * len(self.names) + [len(one) for one in variants], limit, chance):
            kept, chosen = choice[: len(self.names)], choice[len(self.names) :]
            tree = {folder: dict(names) for folder, names in self.certain.items()}
            for change in itertools.compress(self.names, kept):
                self._apply(tree, change)
            for node, options, index in zip(pending, variants, chosen, strict=True):
                settled[node] = options[index]
            lost = [change.text for change, is_kept in zip(self.names, kept, strict=True) if not is_kept]
            lost += [self.writes[node] for node, options, i in zip(pending, variants, chosen, strict=True) if i < len(options) - 1]
            yield _files(tree, settled, 0, ""), tuple(lost)


def _variants(contents: Sequence[bytes]) -> list[bytes]:
    """Return what may be left of a file, the whole of it last."""
    flushed, whole = contents[0], contents[-1]
    found = [flushed, b"" if len(contents) > 1 and not whole.startswith(flushed) else flushed]
    for content in contents[1:]:
        base = flushed if content.startswith(flushed) else b""
        new = len(content) - len(base)
        found += [base, content[: len(base) + new // 2], base + bytes(new), content]
    return [one for one in dict.fromkeys(found) if one != whole] + [whole]


def _choices(sizes: Sequence[int], limit: int, chance: random.Random) -> Iterator[tuple[int, ...]]:
    """Give every choice of one in each, or `limit` of them: all lost, all kept, all but one, only one, and random ones."""
    if math.prod(sizes) <= limit:
        yield from itertools.product(*[range(size) for size in sizes])
        return
    lost, kept = (0,) * len(sizes), tuple([size - 1 for size in sizes])
    chosen = dict.fromkeys([lost, kept])
    for place in range(len(sizes)):
        chosen[(*kept[:place], 0, *kept[place + 1 :])] = None
        chosen[(*lost[:place], kept[place], *lost[place + 1 :])] = None
    while len(chosen) < limit:
        chosen[tuple([chance.randrange(size) for size in sizes])] = None
    yield from itertools.islice(chosen, limit)


def _files(tree: dict[int, dict[str, int]], contents: dict[int, bytes], folder: int, prefix: str) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for name, node in tree[folder].items():
        found[prefix + name] = contents.get(node)
        if node in tree:
            found |= _files(tree, contents, node, f"{prefix}{name}/")
    return found


def crash_states(
    trace: Sequence[Call],
    start: Sequence[Call],
    *,
    limit: int = MAX_SUBSETS,
    is_unread: Callable[[str], bool] | None = None,
) -> Iterator[CrashState]:
    """Give every state that a power cut during `trace` may leave, each once for the same marks.

    Cuts just before a flush, before a mark and at the end suffice: what an earlier cut leaves, a later one leaves too,
    having lost what came between.

    Parameters
    ----------
    trace, start : sequence of Call
        What a :class:`RecordingCalls` wrote down.
    limit : int
        Subsets tried at each cut.
    is_unread : callable, optional
        Says of a path whether no reader ever looks at what it holds. States that differ only there are given once.
    """
    disk, chance = _Disk(), random.Random(0)
    marks: tuple[str, ...] = ()
    for call in start:
        disk.do(call)
    disk.flush([*disk.seen, *disk.contents])
    known: set[tuple[int, int]] = set()
    for cut, call in enumerate([*trace, Call("mark", ("end",))]):
        if call.name in ("flush", "mark"):
            for files, lost in disk.states(limit, chance):
                shown = frozenset([(path, content) for path, content in files.items() if not (is_unread and is_unread(path))])
                if (len(marks), hash(shown)) not in known:
                    known.add((len(marks), hash(shown)))
                    yield CrashState(files, marks, cut, lost)
        if call.name == "mark":
            marks += call.paths
        else:
            disk.do(call)


# Errors from below ---------------------------------------------------------------------------------------------------------------


class FailingCalls(FileCalls):
    """Makes calls, and fails one of them.

    Parameters
    ----------
    at : int
        Which call fails, counted from 1; 0: none.
    error : int
        The number of the error: ``errno.ENOSPC``.
    happens : bool
        The call is made all the same, only its answer is lost.

    Attributes
    ----------
    n_calls : int
        Calls so far.
    failed : str or None
        The call that failed.
    """

    def __init__(self, at: int = 0, error: int = 0, *, happens: bool = False) -> None:
        self.at = at
        self.error = error
        self.happens = happens
        self.n_calls = 0
        self.failed: str | None = None

    def _call(self, name: str, *arguments: object, half: Callable[[], None] | None = None) -> None:
        self.n_calls += 1
        if self.n_calls != self.at:
            getattr(FileCalls, name)(self, *arguments)
            return
        self.failed = f"{name} {arguments[0]}"
        if self.happens:
            getattr(FileCalls, name)(self, *arguments)
        elif half:
            half()
        raise OSError(self.error, os.strerror(self.error), arguments[0] if isinstance(arguments[0], str) else None)

    def make_folder(self, path: str) -> None:
        """Create one folder."""
        self._call("make_folder", path)

    def create(self, path: str, data: bytes) -> None:
        """Create a file; when it fails half of it is there."""
        self._call("create", path, data, half=lambda: FileCalls.create(self, path, data[: len(data) // 2]))

    def rewrite(self, path: str, data: bytes) -> None:
        """Write a file anew; when it fails half of it is there."""
        self._call("rewrite", path, data, half=lambda: FileCalls.rewrite(self, path, data[: len(data) // 2]))

    def append(self, path: str, data: bytes) -> None:
        """Add to a file; when it fails half of it is there."""
        self._call("append", path, data, half=lambda: FileCalls.append(self, path, data[: len(data) // 2]))

    def rename(self, old: str, new: str) -> None:
        """Rename."""
        self._call("rename", old, new)

    def replace(self, old: str, new: str) -> None:
        """Rename a file over another one."""
        self._call("replace", old, new)

    def link(self, old: str, new: str) -> None:
        """Give a file a second name."""
        self._call("link", old, new)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        self._call("unlink", path)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        self._call("remove_folder", path)

    def flush(self, files: Sequence[str], folders: Sequence[str]) -> None:
        """Flush."""
        self._call("flush", files, folders)
