"""The layouts of data sets by name, and the options of the readers that have any."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from dcrdf.config.closed import Closed
from dcrdf.errors import UserError

Layout = Literal["mvtec3d", "folder", "eyecandies", "adam3d", "pdreal"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
DEFAULT_LAYOUT: Layout = "mvtec3d"
MADE_AS: tuple[str, ...] = ("mvtec3d", "folder")
"""Layouts in which the embedded data set can be read."""
WITH_NORMALS: tuple[str, ...] = ("eyecandies",)
"""Layouts whose scans come with surface normals."""


class EyecandiesReader(Closed):
    """Which light is read, how long the set's unit of length is, and what is cut off.

    `light`: 0 all spotlights, 1 bottom, 2 right, 3 top, 4 left, 5 the whole surrounding; published
    results use 4. `scale`: metres per unit of the set, whose scene is ten times life size. `cut`:
    points farther than one unit of the set to the left or right of the camera's axis (rails beside
    the belt) count as missing.
    """

    light: Annotated[int, Field(ge=0, le=5)] = 4
    scale: Annotated[float, Field(ge=1e-6, le=1e6)] = 0.1
    cut: bool = False


class Adam3dReader(Closed):
    """In which unit the xyz files are; `auto` judges by the first training scan."""

    unit: Literal["auto", "m", "mm"] = "auto"


class PdrealReader(Closed):
    """In which unit the xyz files are; `auto` judges by the first training scan. The unit of depth
    images stands in their camera file."""

    unit: Literal["auto", "m", "mm", "0.1mm"] = "auto"


READERS: Mapping[str, type[Closed]] = {
    "eyecandies": EyecandiesReader,
    "adam3d": Adam3dReader,
    "pdreal": PdrealReader,
}
"""Layout -> the options of its reader (`dataset.reader`); the others have none."""


PLACE_KEYS = frozenset({"category", "layout", "reader", "split"})
OWN_SPLIT = "by name, one in seven"
"""How own scans are split; another one makes other prepared data."""


def reader_options(layout: str, values: Mapping[str, Any]) -> Closed | None:
    """The options of a layout's reader, None where it has none; `UserError` names a bad key."""
    if layout not in LAYOUTS:
        raise UserError(f"layout {layout!r} is unknown; allowed: {', '.join(LAYOUTS)}")
    if not isinstance(values, Mapping):
        raise UserError("config: dataset.reader: keys with values are expected")
    if layout in READERS:
        return READERS[layout].parse(dict(values), "dataset.reader")
    if values:
        having = ", ".join(READERS)
        raise UserError(
            f"config: dataset.reader: layout {layout!r} has no options; those that have: {having}"
        )
    return None


def place_record(category: str, layout: str, reader: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of a step that reads raw scans says of them (`PLACE_KEYS`). Only layouts
    whose reader has options have a `reader` in it, only own scans a way of splitting: the records
    of the others are what they were without."""
    options = reader_options(layout, reader)
    record: dict[str, Any] = {"category": category, "layout": layout}
    if layout == "folder":
        record["split"] = OWN_SPLIT
    return record if options is None else record | {"reader": options.model_dump(mode="json")}
