"""What others were made from comes first; rings, which only forged records have, are cut, and nothing is left out."""

from __future__ import annotations

import random

from isfdb.auditing.ordering import MOST_ORIGINS, in_order, unsound_origins


def test_what_is_needed_comes_first_and_otherwise_the_order_stays():
    assert in_order(["c", "b", "a", "d"], {"c": ["a"], "b": ["c", "elsewhere"]}) == ["a", "c", "b", "d"]


def test_any_graph_without_rings_is_put_in_order():
    chance = random.Random(1)
    for _ in range(50):
        things = list(range(40))
        needed = {n: [chance.randrange(n) for _ in range(3)] for n in things[1:]}
        chance.shuffle(things)
        place = {n: position for position, n in enumerate(in_order(things, needed))}
        assert sorted(place) == list(range(40)) and all(place[one] < place[n] for n, some in needed.items() for one in some)


def test_a_ring_is_cut_and_nothing_is_left_out():
    assert in_order(["a", "b", "c"], {"a": ["b"], "b": ["c"], "c": ["a"]}) == ["c", "b", "a"]
    assert in_order(["a"], {"a": ["a"]}) == ["a"]


def test_a_chain_may_be_longer_than_pythons_stack():
    assert in_order(range(5000), {n: [n + 1] for n in range(4999)})[0] == 4999


def test_what_could_not_be_made_again_is_named_however_long_ago():
    used = {"b": ["a"], "c": ["b", "x"], "d": ["c", "d"]}
    assert unsound_origins(["a", "b", "c", "d"], used, {"a": True, "b": False}) == {"a": (), "b": ("a",), "c": ("a",), "d": ("a",)}


def test_not_endlessly_many_are_named():
    used = {"z": [f"k{n}" for n in range(100)]}
    assert len(unsound_origins(["z"], used, {f"k{n}": True for n in range(100)})["z"]) == MOST_ORIGINS
