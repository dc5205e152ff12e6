"""The two modalities by name: the product's world is aligned colour and depth.

Their names are keys of maps, scores and thresholds; no other module compares them as text. And what
is said of a scan whose modalities cannot tell.
"""

from typing import Final, TypeAlias

Modality: TypeAlias = str
"""One of `MODALITIES`."""

RGB: Final = "rgb"
DEPTH: Final = "depth"
MODALITIES: tuple[Modality, ...] = (RGB, DEPTH)
OTHER: dict[str, Modality] = {RGB: DEPTH, DEPTH: RGB}
"""The modality that is left without one."""
FUSED: Final = "fused"
"""What both say together, or the one that is there."""
BRANCHES: tuple[str, ...] = (FUSED, *MODALITIES)
"""All that has maps, scores and a threshold."""

NOT_JUDGED: Final = "not judged"
"""The third verdict, beside good and defective."""
