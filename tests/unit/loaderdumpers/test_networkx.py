"""Graphs come back with their types, attributes, and every order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import networkx_to_json

nx = pytest.importorskip("networkx")


def stored(graph: Any, folder: Path) -> Any:
    folder.mkdir()
    return networkx_to_json.Loader(**networkx_to_json.dump(graph, str(folder))).get(str(folder))


def test_networkx_itself_reads_a_plain_graph(tmp_path: Path) -> None:
    graph = nx.karate_club_graph()
    stored(graph, tmp_path / "v1")
    text = (tmp_path / "v1" / "data.json").read_text()
    found = nx.node_link_graph(json.loads(text), edges="edges")
    assert nx.utils.graphs_equal(found, graph)


def test_neighbours_keep_an_order_that_no_list_of_edges_has(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_nodes_from("abc")
    graph.add_edges_from([("b", "c"), ("a", "c"), ("a", "b")])
    found = stored(graph, tmp_path / "v1")
    assert [list(found[node]) for node in "abc"] == [["c", "b"], ["c", "a"], ["b", "a"]]


def test_an_order_made_by_hand_is_refused(tmp_path: Path) -> None:
    graph = nx.Graph([(0, 1), (1, 2), (2, 0)])
    for node, last in ((0, 2), (1, 0), (2, 1)):
        graph._adj[node][last] = graph._adj[node].pop(last)
    with pytest.raises(TypeError, match=r"no order of adding edges.*store graph\.copy\(\)"):
        stored(graph, tmp_path / "v1")


@pytest.mark.parametrize("make", [nx.freeze, lambda graph: graph.subgraph([0, 1]), lambda graph: graph.to_directed(as_view=True)])
def test_frozen_graphs_and_views_are_refused_and_their_copies_kept(make: Any, tmp_path: Path) -> None:
    graph = make(nx.path_graph(4))
    with pytest.raises(TypeError, match=r"frozen, or a view.*store graph\.copy\(\)"):
        stored(graph, tmp_path / "v1")
    copy = type(graph)(graph)
    assert_identical(stored(copy, tmp_path / "v2"), copy)


def test_views_that_the_graph_remembers_do_not_matter(tmp_path: Path) -> None:
    graph = nx.path_graph(3, create_using=nx.DiGraph)
    assert graph.nodes and graph.edges and graph.degree and graph.in_edges and graph.pred and graph.succ
    assert_identical(stored(graph, tmp_path / "v1"), graph)


def test_a_layout_is_kept_bit_by_bit(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    graph = nx.path_graph(20)
    nx.set_node_attributes(graph, dict(enumerate(np.random.default_rng(1).random((20, 2)))), "pos")
    assert_identical(stored(graph, tmp_path / "v1"), graph)


def test_a_node_that_equals_no_node_is_refused(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_node(float("nan"))
    with pytest.raises(TypeError, match="a node is nan"):
        stored(graph, tmp_path / "v1")


def test_what_cannot_be_kept_is_pickled_with_a_warning(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    graph = nx.Graph()
    graph.add_node(1, function=len)
    with pytest.warns(isfdb.errors.PickleWarning):
        db["graph"] = graph
    with pytest.raises(isfdb.errors.DumpError, match="use plain values for nodes and attributes"):
        db.set("graph", graph, dumper="networkx_to_json")
    db["graph"] = nx.path_graph(3)
    assert_identical(db["graph"], nx.path_graph(3))
    assert db.entry("graph").describe == {"type": "Graph", "nodes": 3, "edges": 2, "node_attributes": [], "edge_attributes": []}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text[:-20], "is no whole JSON"),
        (lambda text: text.replace('"edges"', '"links"'), "has no member edges"),
        (lambda text: text.replace('"source"', '"from"', 1), "has no member 'source'"),
        (lambda text: text.replace('{"source": 1, "target": 2}', '{"source": 0, "target": 1}'), "holds 3 nodes and 1 edges"),
        (lambda text: text.replace('"id": 1', '"id": {"$class": "os"}'), r"unknown kind of value '\$class'"),
    ],
)
def test_damage_is_told(change: Any, complaint: str, tmp_path: Path) -> None:
    arguments = networkx_to_json.dump(nx.path_graph(3), str(tmp_path))
    path = tmp_path / "data.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=complaint):
        networkx_to_json.Loader(**arguments).get(str(tmp_path))


def test_a_type_that_is_no_graph_is_not_made() -> None:
    with pytest.raises(ValueError, match="is no graph of networkx"):
        networkx_to_json.Loader(kind="algorithms", names={}, nodes=0, edges=0)
