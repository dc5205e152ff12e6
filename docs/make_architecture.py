"""Draws the rooms of the package and who imports whom, read off the code.

`python docs/make_architecture.py` writes docs/architecture.svg: a room stands above all that it
imports; an arrow that another way already tells is left out. A test holds the picture to the code.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

PACKAGE = Path(__file__).parents[1] / "dcrdf"
OUTPUT = Path(__file__).with_name("architecture.svg")
WITH_TORCH = {
    "tensors", "networks", "training", "detectors", "scoring", "models", "robustness", "export",
}  # fmt: skip
WIDTH, HEIGHT, ACROSS, DOWN = 116, 38, 140, 84
"""Of a box, and from one to the next, in pixels."""
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}"
 font-family="sans-serif" font-size="13" text-anchor="middle">
<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8"
 orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#777"/></marker>
<rect width="{w}" height="{h}" fill="white"/>
"""


def room_of(path: Path) -> str:
    """The room that a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[str]:
    """The rooms that a module imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = [x.name for x in node.names] if isinstance(node, ast.Import) else []
        for pieces in (name.split(".") for name in names):
            if pieces[0] == "dcrdf" and len(pieces) > 1:
                yield pieces[1]


def rooms_and_imports() -> "nx.DiGraph[str]":
    """An edge from each room to every room that it imports."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for path in sorted(PACKAGE.rglob("*.py")):
        room = room_of(path)
        if room != "__init__":
            graph.add_node(room, files=graph.nodes.get(room, {}).get("files", 0) + 1)
            graph.add_edges_from((room, one) for one in imported_rooms(path) if one != room)
    return graph


def places(graph: "nx.DiGraph[str]") -> dict[str, tuple[float, float]]:
    """The middle of every room's box; a row holds rooms of which none imports another."""
    rows = [sorted(row) for row in nx.topological_generations(graph)]
    widest = max(map(len, rows))
    return {
        room: (ACROSS * (index + 0.5 + (widest - len(row)) / 2), DOWN * (number + 0.5))
        for number, row in enumerate(rows)
        for index, room in enumerate(row)
    }


def picture(graph: "nx.DiGraph[str]") -> str:
    """The drawing as SVG."""
    middle = places(graph)
    width = round(max(x for x, _ in middle.values()) + ACROSS / 2)
    height = round(max(y for _, y in middle.values()) + DOWN / 2)
    parts = [HEAD.format(w=width, h=height)]
    for room, one in sorted(nx.transitive_reduction(graph).edges):
        (x, y), (to_x, to_y) = middle[room], middle[one]
        start, end = y + HEIGHT / 2, to_y - HEIGHT / 2 - 1
        bend = (start + end) / 2
        parts.append(
            f'<path d="M{x:g},{start:g} C{x:g},{bend:g} {to_x:g},{bend:g} {to_x:g},{end:g}"'
            ' fill="none" stroke="#777" marker-end="url(#tip)"/>\n'
        )
    for room, (x, y) in sorted(middle.items()):
        colour, count = ("#f3d9b1" if room in WITH_TORCH else "#d3e4f0"), graph.nodes[room]["files"]
        label = f"{count} file{'s' if count > 1 else ''}"
        parts.append(
            f'<rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}"'
            f' rx="6" fill="{colour}" stroke="#555"/>\n'
            f'<text x="{x:g}" y="{y - 2:g}" font-weight="bold">{room}</text>\n'
            f'<text x="{x:g}" y="{y + 13:g}" font-size="11">{label}</text>\n'
        )
    return "".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    OUTPUT.write_text(picture(rooms_and_imports()), encoding="utf-8")
