"""Rivals on one storage: threads, each with a handle of its own, that write the same thing at the same moment, or read meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final

from isfdb.layout.current import version_name
from isfdb.storage.base import Storage, TakenError
from isfdb.testing.storage_places import N_RIVALS, Place, expect, together

_N_ROUNDS: Final = 12
_HINT_BYTES: Final = 50_000


def _one_rival_puts(place: Place) -> None:
    for round_ in range(_N_ROUNDS):
        _see_one_win(place, f"r{round_}", lambda storage, path, data: storage.put(path, data))
        _see_one_win(
            place, f"f{round_}/isfdb.json", lambda storage, path, data: storage.put_folder(path.split("/")[0], path.split("/")[1], data)
        )


def _see_one_win(place: Place, path: str, put: Callable[[Storage, str, bytes], bool]) -> None:
    got = together(place, lambda storage, number: put(storage, path, str(number).encode()))
    expect(sorted(map(str, got)) == ["False"] * (N_RIVALS - 1) + ["True"], f"rivals who put {path} got {got}", "let one create it")
    expect(place.another().read(path) == str(got.index(True)).encode(), f"{path} is not the winner's", "create all of it at once")


def _one_rival_gets_a_number(place: Place) -> None:
    for round_ in range(_N_ROUNDS):
        key_folder, number = f"k{round_ // 2}.key", round_ % 2 + 1
        stages = [place.staged(key_folder, is_new=number == 1) for _ in range(N_RIVALS)]
        got = together(place, lambda storage, one: storage.publish(stages[one], number))  # noqa: B023 - called at once
        losers = [one for one in got if isinstance(one, TakenError)]
        won = [one for one, outcome in enumerate(got) if outcome is None]
        expect(len(won) == 1 and len(losers) == N_RIVALS - 1, f"rivals for version {number} got {got}", "TakenError for all but one")
        place.complain_of(f"{key_folder}/{version_name(number)}", stages[won[0]].nonce)
        for stage in stages:
            place.a.discard(stage)


def _readers_see_whole_things(place: Place) -> None:
    """While one writes, others look without pause: a version has all its files or none, a replaced record is one of those written."""
    is_done, wrong = threading.Event(), []
    place.a.replace("hint", b"0" * _HINT_BYTES)

    def look() -> None:
        storage = place.another()
        while not is_done.is_set():
            for number in range(1, _N_ROUNDS + 1):
                names = storage.list(f"k.key/{version_name(number)}")
                if names and len(storage.list(f"k.key/{version_name(number)}/data")) != 20:
                    wrong.append(f"version {number} was seen in part")
            hint = storage.read("hint")
            if hint != hint[:1] * _HINT_BYTES:
                wrong.append("a record was seen in part")

    def look_and_tell() -> None:
        try:
            look()
        except Exception as error:  # noqa: BLE001 - of a thread nobody would hear; told below
            wrong.append(f"a reader was stopped by {type(error).__name__}: {error}")

    readers = [threading.Thread(target=look_and_tell) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, _N_ROUNDS + 1):
            place.version("k.key", number, is_new=number == 1, files=20)
            place.a.replace("hint", str(number % 10).encode() * _HINT_BYTES)
    finally:
        is_done.set()
        for reader in readers:
            reader.join()
    expect(not wrong, f"{len(wrong)} times something was half there, or not to be had: {wrong[:1]}", "make it visible in one step")


RIVALS: Final[Iterable[Callable[[Place], None]]] = (_one_rival_puts, _one_rival_gets_a_number, _readers_see_whole_things)
