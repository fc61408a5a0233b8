"""What is drawn of a graph, how it is laid out, and that nothing in it can act on a reader."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from isfdb.errors import OptionError
from isfdb.tracing.drawing import MOST_NODES, draw, shortened
from isfdb.tracing.graph import Edge, Graph, GraphBuilder, Node
from isfdb.tracing.layered import place
from isfdb.tracing.shown import Lineage
from isfdb.tracing.svg import svg

HOSTILE = "<script>alert(1)</script>\"'`];%% \x1b[2J\u202e\n--> n0"


def graph(edges: list[tuple[str, str]], start: str, kinds: dict[str, str] | None = None) -> Graph:
    """Return a graph from pairs (what came later, what was there before); names that begin with "a" are activities."""
    names = dict.fromkeys([start, *[name for pair in edges for name in pair]])
    kind = {name: (kinds or {}).get(name, "activity" if name[0] == "a" else "value") for name in names}
    nodes = {name: Node(name, kind[name], name) for name in names}
    relation = {"environment": "wasAssociatedWith", "repository": "wasAssociatedWith"}
    found = [Edge("wasGeneratedBy" if later[0] == "v" else relation.get(kind[before], "used"), later, before) for later, before in edges]
    return Graph(start, nodes, tuple(found))


def fan(count: int) -> Graph:
    """Return a value from which `count` cells made a value each."""
    return graph([pair for n in range(count) for pair in ((f"a{n}", "v"), (f"v{n}", f"a{n}"))], "v")


def test_a_small_graph_is_drawn_whole():
    drawing = draw(graph([("v1", "a"), ("a", "v2"), ("a", "v3")], "v1"))
    assert [box.label for box in drawing.boxes] == ["v1", "a", "v2", "v3"]
    assert {(arrow.before, arrow.after) for arrow in drawing.arrows} == {(1, 0), (2, 1), (3, 1)}
    assert drawing.hidden == 0


def test_of_many_siblings_a_few_are_drawn_and_the_others_counted_with_all_that_hangs_on_them():
    drawing = draw(fan(5000))
    assert len(drawing.boxes) < 20
    group = drawing.boxes[-1]
    assert group.label == "… 4,994 cells more"
    assert group.detail == "4,994 keys"
    assert drawing.hidden == 2 * 4994


def test_a_marked_sibling_is_not_hidden_among_the_others():
    whole = fan(100)
    nodes = {**whole.nodes, "a77": Node("a77", "activity", "a77", changed="for some reason")}
    assert "a77" in [box.label for box in draw(Graph("v", nodes, whole.edges)).boxes]


def test_every_node_is_drawn_or_counted():
    for whole in (fan(300), graph([(f"v{n}", f"v{n + 1}") for n in range(1000)], "v0"), graph([], "v")):
        drawing = draw(whole)
        assert len([box for box in drawing.boxes if box.kind != "group"]) + drawing.hidden == len(whole.nodes)
        assert len(drawing.boxes) <= 2 * MOST_NODES


def test_surroundings_of_many_cells_are_told_below():
    edges = [pair for n in range(5) for pair in ((f"v{n}", f"a{n}"), (f"a{n}", "python"), (f"a{n}", f"v{n + 1}"))]
    drawing = draw(graph(edges, "v0", {"python": "environment"}))
    assert "python" not in [box.label for box in drawing.boxes]
    assert [(box.label, number) for box, number in drawing.legend] == [("python", 5)]


def test_a_full_graph_says_that_it_was_cut():
    builder = GraphBuilder(2)
    assert builder.add(Node("a", "value", "a"))
    assert builder.add(Node("b", "value", "b"))
    assert not builder.add(Node("c", "value", "c"))
    builder.link("used", "a", "c")
    assert builder.finish("a").notes == ("cut at 2 nodes; there is more",)
    assert not builder.finish("a").edges


def test_causes_lie_left_of_effects_and_no_boxes_overlap():
    arrows = [(0, 1), (1, 2), (0, 2), (3, 2), (2, 4), (2, 5), (2, 6), (0, 6)]
    sizes = [(80.0 + 10 * n, 40.0) for n in range(7)]
    placed = place(sizes, arrows)
    for before, after in arrows:
        assert placed.boxes[before][0] + sizes[before][0] < placed.boxes[after][0]
    rectangles = [(x, y - 20, x + width, y + 20) for (x, y), (width, _) in zip(placed.boxes, sizes, strict=True)]
    for n, one in enumerate(rectangles):
        for other in rectangles[n + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert all(0 <= x <= placed.width and 0 <= y <= placed.height for x, y in placed.boxes)


def test_what_was_asked_about_lies_right_of_a_group_that_holds_its_causes_and_theirs():
    edges = [("v", "a")] + [("a", f"v{n}") for n in range(40)] + [(f"v{n}", f"a{n}") for n in range(40)]
    drawing = draw(graph(edges + [(f"a{n + 1}", f"v{n}") for n in range(39)], "v"))
    placed = place([(50.0, 40.0)] * len(drawing.boxes), [(arrow.before, arrow.after) for arrow in drawing.arrows])
    assert placed.boxes[0][0] == max(x for x, _ in placed.boxes)


def test_a_circle_is_laid_out_too():
    placed = place([(50.0, 40.0)] * 3, [(0, 1), (1, 2), (2, 0), (1, 1)])
    assert len(placed.boxes) == 3


def test_hostile_names_are_text_in_every_form():
    whole = graph([("v1", "a"), ("a", "v2")], "v1")
    nodes = {name: Node(name, node.kind, HOSTILE, HOSTILE, {"source": HOSTILE}, HOSTILE) for name, node in whole.nodes.items()}
    nodes["v1"] = Node("v1", "value", HOSTILE, HOSTILE, stale=(HOSTILE,), changed=HOSTILE)
    found = Lineage(Graph("v1", nodes, whole.edges, (HOSTILE,)), "upstream")
    for form in ("html", "svg"):
        assert "<script" not in found.to(form)
    for form in ("text", "mermaid", "dot", "html", "svg"):
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", found.to(form))
    root = ElementTree.fromstring(found.to_svg())
    assert {element.tag.partition("}")[2] for element in root.iter()} <= {"svg", "style", "g", "title", "rect", "path", "text", "tspan"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert len(found.to_mermaid().splitlines()) == 1 + 3 + 2 + 1 + 4
    assert '"' not in re.sub(r'n\d[\[(/]+"[^"]*"', "", found.to_mermaid())


def test_the_picture_fetches_nothing_and_has_no_fixed_colours_in_a_page():
    found = Lineage(fan(3), "downstream")
    page = found._repr_mimebundle_()["text/html"]
    assert "url(" not in page
    assert "<script" not in page
    assert "prefers-color-scheme" not in page
    assert "prefers-color-scheme" in found.to_svg()


def test_long_names_are_cut_in_the_middle_where_they_are_drawn_and_whole_in_the_title():
    name = "cells/" + "deeply/nested/" * 10 + "rates"
    whole = Graph("v", {"v": Node("v", "value", name)}, ())
    picture = Lineage(whole, "upstream").to_svg()
    assert name in picture
    assert "nested/rates</text>" in picture
    assert len(shortened(name, 30)) == 30


def test_a_form_that_nobody_knows_is_refused():
    with pytest.raises(OptionError, match="no form 'png'"):
        Lineage(fan(1), "downstream").to("png")


def test_the_tree_names_a_box_again_but_not_what_hangs_on_it():
    text = str(Lineage(graph([("v1", "a1"), ("a1", "v2"), ("a1", "v3"), ("v2", "a2"), ("a2", "v3"), ("v3", "a3")], "v1"), "upstream"))
    assert text.count("a3") == 1
    assert "v3, see above" in text


def test_boxes_lead_where_the_page_says():
    drawing = draw(graph([("v1", "a"), ("a", "v2")], "v1"))
    picture = svg(drawing, "lineage", alone=False, link=lambda box: f"/key?link={box.link}&x" if box.link == "v2" else "")
    assert re.findall(r'<a href="([^"]*)">', picture) == ["/key?link=v2&amp;x"]
    assert 'role="group"' in picture
    assert "<a " not in svg(drawing, "lineage", alone=False)


def test_a_picture_without_a_style_of_its_own_has_none():
    drawing = draw(graph([("v1", "a")], "v1"))
    assert "<style" not in svg(drawing, "lineage", alone=False, styled=False)
    assert svg(drawing, "lineage", alone=True).count("<style") == 1
