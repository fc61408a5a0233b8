"""A value that grew: the blocks it is made of, some in folders of earlier versions of its key. Plans and checks; loads and writes nothing.

Appending never copies what is there. Of eight neighbouring blocks of about one size one is made, so a value appended to a thousand
times lies in a few dozen blocks, and each row was copied as often as the logarithm of their number says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from isfdb.errors import CorruptVersionError, UnsafePathError
from isfdb.layout.current import LOADER_FILE, version_name, version_number
from isfdb.manifest import Files, checked_files

#: So many blocks of one size become one.
MERGED_TOGETHER: Final = 8

#: Blocks beyond this size together are left apart: copying them would take longer than reading them one by one.
LARGEST_MERGED_BYTES: Final = 256 * 2**20

#: Folder, inside a version, of the block that it brings.
OWN: Final = "block"

_PLACE = re.compile(r"block|blocks/[0-9]{6}|\.\./(v[0-9]{6,16})(/(block|blocks/[0-9]{6}))?")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: a value that a loaderdumper keeps, in a folder of this version or of an earlier one.

    Attributes
    ----------
    place : str
        The folder, seen from that of the version: ``block``, ``../v000001``, ``../v000003/block``.
    extent : int
        Rows, or whatever the axis counts.
    n_appends : int
        How many appends lie in it; 0 for what the key held before the first.
    size_bytes : int
        Bytes of its files.
    spec : dict
        Loaderdumper and arguments, as in ``Loader.json``.
    """

    place: str
    extent: int
    n_appends: int
    size_bytes: int
    spec: dict[str, Any]

    def to_json(self) -> list[Any]:
        """Return the block as it stands in ``Loader.json``."""
        return [self.place, self.extent, self.n_appends, self.size_bytes, self.spec]

    @classmethod
    def from_json(cls, members: Any) -> Block:
        """Read a block, having refused places outside the key.

        Raises
        ------
        CorruptVersionError, UnsafePathError
        """
        if not isinstance(members, list) or [type(member) for member in members] != [str, int, int, int, dict]:
            raise CorruptVersionError(f"a block is described as {str(members)[:200]!r}. Run isfdb.verify(db).")
        block = cls(*members)
        match = _PLACE.fullmatch(block.place)
        if match is None or (match[1] and version_number(match[1]) is None) or block.extent < 0:
            raise UnsafePathError(f"a block is said to lie in {block.place!r}, which is no folder of its key. Do not use this version.")
        return block


@dataclass(frozen=True, slots=True)
class Grown:
    """What ``db.append`` stores: blocks that stay where they are, and what is written as the newest one.

    Attributes
    ----------
    of : str
        Name of the loaderdumper of every block.
    axis : int
        Along which the value grows.
    kept : tuple of Block
    merged : tuple of Block
        The last blocks, to be written once more together with the addition.
    addition : object
        What is appended.
    n_appends : int
        How many appends the newest block will hold.
    """

    of: str
    axis: int
    kept: tuple[Block, ...]
    merged: tuple[Block, ...]
    addition: Any
    n_appends: int = 1


def grown(of: str, axis: int, blocks: Iterable[Block], addition: Any, size_bytes: int) -> Grown:
    """Plan an append: which blocks stay as they are, and which are written once more with the addition.

    Parameters
    ----------
    size_bytes : int
        About how large the addition is.
    """
    kept, merged, n_appends = list(blocks), list[Block](), 1
    while True:
        last = kept[-(MERGED_TOGETHER - 1) :]
        total = size_bytes + sum(block.size_bytes for block in [*last, *merged])
        alike = len(last) == MERGED_TOGETHER - 1 and all(block.n_appends == n_appends for block in last)
        if not alike or total > LARGEST_MERGED_BYTES:
            return Grown(of, axis, tuple(kept), tuple(merged), addition, n_appends)
        kept, merged, n_appends = kept[: -len(last)], [*last, *merged], n_appends * MERGED_TOGETHER


def seen_from_next(blocks: Iterable[Block], number: int) -> list[Block]:
    """Return the blocks of version `number` as a later version names them."""
    return [
        block if block.place.startswith("../") else replace(block, place=f"../{version_name(number)}/{block.place}") for block in blocks
    ]


def files_of_blocks(blocks: Iterable[Block], number: int, files: Files, earlier: Files) -> Files:
    """Return the manifest of the files in blocks, named from the key's folder: ``v000001/data.npy``.

    Parameters
    ----------
    blocks : iterable of Block
        As a later version names them.
    number : int
        The newest version they come from.
    files, earlier : dict
        Its manifest, and its manifest of earlier versions' files.
    """
    own = {f"{version_name(number)}/{name}": facts for name, facts in files.items() if name != LOADER_FILE}
    folders = tuple(block.place.removeprefix("../") + "/" for block in blocks)
    return {name: facts for name, facts in {**earlier, **own}.items() if name.startswith(folders)}


def checked_earlier(record: Mapping[str, Any], where: str) -> Files:
    """Return a record's manifest of files in earlier versions of its key; empty for a value that did not grow.

    Raises
    ------
    UnsafePathError, CorruptVersionError
    """
    if "earlier" not in record:
        return {}
    earlier = checked_files({"files": record["earlier"]}, where)
    for name in earlier:
        if version_number(name.partition("/")[0]) is None or "/" not in name:
            raise UnsafePathError(f"the manifest of {where} names {name!r}, which lies in no version of its key. Do not use this version.")
    return earlier
