"""What a power cut may leave on the disk, state by state, from a recording made by :class:`isfdb.testing.faults.RecordingCalls`.

Nothing here is used by isfdb itself. Authors of storages and loaderdumpers may use it to see what a crash leaves of their files::

    recorder = RecordingCalls(folder)
    with calls_go_to(recorder):
        db = isfdb.open(folder)
        db["rates"] = rates
        recorder.mark("stored")
    for state in crash_states(recorder.trace, recorder.start):
        state.write_to(fresh_folder)  # then open it and look, knowing that state.marks had been reached

The model is the weak one of POSIX. What a file got since it was last flushed is whole, halved, zeroed or gone; each name made or removed
in a folder since that folder was last flushed is there or not, whatever became of the others. A rename is atomic.
"""

from __future__ import annotations

import itertools
import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from isfdb.testing.faults import Call

#: Subsets of what may be lost that are tried for one moment; beyond it they are sampled, the same ones every time.
MAX_SUBSETS = 4096


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
        if call.name in ("make_folder", "rewrite", "append", "write", "truncate"):
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
            if call.name == "rewrite" and self.contents[node][-1]:
                self.contents[node].append(b"")  # emptied first
            self.contents[node].append(_written(self.contents[node][-1], call))
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


def _written(before: bytes, call: Call) -> bytes:
    if call.name == "append":
        return before + call.data
    if call.name == "write":
        return before[: call.offset].ljust(call.offset, b"\0") + call.data + before[call.offset + len(call.data) :]
    return before[: call.offset].ljust(call.offset, b"\0") if call.name == "truncate" else call.data


def _variants(contents: Sequence[bytes]) -> list[bytes]:
    """Return what may be left of a file, the whole of it last."""
    flushed, whole = contents[0], contents[-1]
    was_emptied = any(len(content) < len(flushed) for content in contents)
    found = [flushed]
    for content in contents[1:]:
        if content.startswith(flushed) or was_emptied:
            base = flushed if content.startswith(flushed) else b""
            new = len(content) - len(base)
            found += [base, content[: len(base) + new // 2], base + bytes(new), content]
        else:
            found += [_half_changed(flushed, content), content]
    return [one for one in dict.fromkeys(found) if one != whole] + [whole]


def _half_changed(before: bytes, after: bytes) -> bytes:
    """Return a file of which the first half of what was written over reached the disk."""
    differ = [place for place, (old, new) in enumerate(zip(before, after, strict=False)) if old != new]
    middle = (differ[0] + differ[-1] + 1) // 2
    return after[:middle] + before[middle:]


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
