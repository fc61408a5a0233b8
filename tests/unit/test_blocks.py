"""Blocks: a value that grew is a few dozen blocks however often it grew, and names no folder outside its key."""

from __future__ import annotations

import pytest

from isfdb.blocks import LARGEST_MERGED_BYTES, MERGED_TOGETHER, Block, checked_earlier, files_of_blocks, grown, seen_from_next
from isfdb.errors import CorruptVersionError, UnsafePathError

SPEC = {"Loader": "loaderdumpers.numpy_to_npy"}


def block(place: str = "block", extent: int = 1, n_appends: int = 1, size_bytes: int = 100) -> Block:
    return Block(place, extent, n_appends, size_bytes, SPEC)


def after(n: int, size_bytes: int = 100) -> tuple[list[Block], int]:
    """Return the blocks after n appends of one row, and how many rows were written in all."""
    blocks, n_written = [block("../v000001", 0, 0)], 0
    for number in range(n):
        plan = grown("numpy_to_npy", 0, seen_from_next(blocks, number + 1), None, size_bytes)
        rows = 1 + sum(one.extent for one in plan.merged)
        n_written += rows
        blocks = [*plan.kept, Block("block", rows, plan.n_appends, rows * size_bytes, SPEC)]
    return blocks, n_written


@pytest.mark.parametrize("n", [1, 7, 8, 9, 63, 64, 65, 1000])
def test_the_number_of_blocks_grows_as_the_logarithm(n: int) -> None:
    blocks, n_written = after(n)
    assert sum(one.extent for one in blocks) == n
    levels = 1
    while MERGED_TOGETHER**levels <= n:
        levels += 1
    assert len(blocks) <= 1 + (MERGED_TOGETHER - 1) * levels
    assert n_written <= n * levels


def test_what_was_there_before_the_first_append_is_never_copied() -> None:
    blocks, _ = after(600)
    assert blocks[0] == block("../v000001", 0, 0)


def test_large_blocks_are_left_apart() -> None:
    blocks, n_written = after(20, size_bytes=LARGEST_MERGED_BYTES // 4)
    assert len(blocks) == 21
    assert n_written == 20


@pytest.mark.parametrize(
    "place",
    ["", ".", "..", "../..", "/etc", "../v000001/../../other.key/v000001", "../other", "../v000000", "block/..", "blocks/1", "../v1", "é"],
)
def test_a_place_outside_the_key_is_refused(place: str) -> None:
    with pytest.raises(UnsafePathError, match="no folder of its key"):
        Block.from_json([place, 1, 1, 100, SPEC])


@pytest.mark.parametrize("place", ["block", "blocks/000003", "../v000001", "../v000012/block", "../v1000000/blocks/000000"])
def test_places_inside_the_key_are_read(place: str) -> None:
    assert Block.from_json([place, 1, 1, 100, SPEC]) == block(place)


@pytest.mark.parametrize("members", [None, [], ["block"], ["block", "1", 1, 1, {}], ["block", True, 1, 1, {}], {"place": "block"}])
def test_what_is_no_block_is_called_damage(members: object) -> None:
    with pytest.raises(CorruptVersionError, match="a block is described as"):
        Block.from_json(members)


def test_a_negative_extent_is_refused() -> None:
    with pytest.raises(UnsafePathError):
        Block.from_json(["block", -1, 1, 1, SPEC])


def test_the_manifest_of_kept_blocks_names_their_files_and_no_others() -> None:
    files = {"Loader.json": [1, "a"], "block/data.npy": [2, "b"]}
    earlier = {"v000001/data.npy": [3, "c"], "v000002/block/data.npy": [4, "d"]}
    kept = [block("../v000001"), block("../v000003/block")]
    assert files_of_blocks(kept, 3, files, earlier) == {"v000001/data.npy": [3, "c"], "v000003/block/data.npy": [2, "b"]}


@pytest.mark.parametrize("name", ["data.npy", "other/data.npy", "v000000/a", "../v000001/data.npy", "v000001"])
def test_a_manifest_of_earlier_files_names_versions_only(name: str) -> None:
    with pytest.raises((UnsafePathError, CorruptVersionError)):
        checked_earlier({"earlier": {name: [1, "a"]}}, "here")
