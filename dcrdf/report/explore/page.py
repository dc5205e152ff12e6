"""The page to explore results in: one file whose own script is all that may run."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from dcrdf.files.atomic import replacing
from dcrdf.report.figures import colour_bar_stops
from dcrdf.report.templating import template_environment

MODULES = (
    "numbers", "scale", "dom", "state", "decode", "draw", "gallery", "viewer", "charts",
    "threshold", "curves", "surface", "start",
)  # fmt: skip
"""In the order in which they use each other."""
_COLOURS = 33


def write_page(path: Path, data: dict[str, Any], title: str, index: str = "") -> None:
    """Write a page over `data` (of `category_data` or `OwnGallery`); `index` is a link back.

    The same values give the same bytes. Raises `UserError` when it cannot be written.
    """
    environment = template_environment()
    colours = colour_bar_stops(_COLOURS)
    page = environment.get_template("explore.html.j2").render(
        title=title,
        index=index,
        has_truth=data["hasTruth"],
        runs=[run["name"] for run in data["runs"]],
        script=script(),
        script_hash=base64.b64encode(hashlib.sha256(script().encode()).digest()).decode(),
        heat_colours=", ".join(colours),
        data=_json_in_html(data | {"colours": colours}),
    )
    with replacing(path) as partial:
        partial.write_text(page, encoding="utf-8")


@cache
def script() -> str:
    """All modules as one script that leaves nothing behind in the page's global names."""
    folder = files("dcrdf.report.explore") / "js"
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    return '\n"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def _json_in_html(value: Any) -> str:
    """JSON that ends no element and opens none."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
