"""By what a defect can be seen: colour, shape, or both; where the data set says so."""

from collections.abc import Mapping
from typing import Literal

Evidence = Literal["colour", "shape", "both"]

EMBEDDED_EVIDENCE: Mapping[str, Evidence] = {
    **dict.fromkeys(("burn", "rust", "paint", "scorch", "hairline"), "colour"),
    **dict.fromkeys(("bump", "dent", "swell"), "shape"),
    **dict.fromkeys(("crack", "broken", "thread", "scratch", "chip", "swarf"), "both"),
    **dict.fromkeys(("splinter", "glue", "bitten", "crazing", "spall"), "both"),
}
"""Kind of defect of the embedded parts -> what it changes."""
