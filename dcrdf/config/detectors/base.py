"""What a detector declares to the configuration and the workflow, without torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from dcrdf.config.closed import Closed
from dcrdf.config.options import (
    CROSSMODAL_KINDS,
    Fusion,
    MapKind,
    StandInRule,
    TrainOptions,
)
from dcrdf.config.teachers import Strides
from dcrdf.modalities import MODALITIES

Surface = Literal["height", "normals"]
Need = Literal["variants", "outline", "points"]
"""What a detector may read beside colour and height: pseudo-anomalies, the part's outline, and the
points themselves."""

FIXED_FUSIONS: frozenset[Fusion] = frozenset(
    {
        *("avg", "max", "product", "zscore_sum", "zscore_max", "peak_norm", "peak_trust"),
        *("level_trust", "one_class_svm"),
        *MODALITIES,
    }
)
"""Those that fuse any two branches' maps, or take one of them."""
CROSSMODAL_FUSIONS: frozenset[Fusion] = frozenset({"rgb_crossmodal", "depth_crossmodal"})
"""Those that take one crossmodal map, where there are some."""


class PinnedFile(NamedTuple):
    """A file of the user's that a fit reads, with the SHA-256 it must have, and the key it is
    named by."""

    key: str
    path: str
    sha256: str


class DetectorOptions(Closed):
    """A detector's own options, and what it needs and offers with them."""

    augmented_by: ClassVar[str] = ""
    """The option that shows training scans in several orientations, if there is one."""

    def needs(self) -> frozenset[Need]:
        """What it reads beside colour and height."""
        return frozenset()

    def branches(self) -> tuple[str, ...]:
        """The modalities of which it has maps; a detector that only fuses may have none."""
        return MODALITIES

    def files(self) -> tuple[PinnedFile, ...]:
        """What a fit reads beside data and teacher; looked at before anything runs."""
        return ()

    def needs_points(self) -> bool:
        """Whether the points are kept in prepared data for it."""
        return "points" in self.needs()

    def stands_in(self) -> bool:
        """Whether it can have one modality stand in for the other (`infer.stand_ins`)."""
        return False

    def has_crossmodal(self, maps: MapKind, stand_ins: StandInRule) -> bool:
        """Whether it gives crossmodal maps of scans that have both modalities."""
        return maps in CROSSMODAL_KINDS or (self.stands_in() and stand_ins != "never")

    def augments(self) -> bool:
        """Whether it learns scans in several orientations, so that it may score in several."""
        return False

    def maps(self) -> frozenset[MapKind]:
        """The kinds of maps it offers (`infer.maps`)."""
        return frozenset({"raw"})

    def fusions(self, maps: MapKind = "raw") -> frozenset[Fusion]:
        """The fusions it offers for a kind of maps (`infer.fusion`)."""
        return FIXED_FUSIONS | (CROSSMODAL_FUSIONS if maps in CROSSMODAL_KINDS else frozenset())

    def surfaces(self) -> frozenset[Surface]:
        """What its second branch can be shown (`prepare.surface`)."""
        return frozenset({"height", "normals"})

    def teachers(self) -> frozenset[str] | None:
        """The teachers that it can learn from; None: all."""
        return None

    def unexportable(self) -> str:
        """Why `dcrdf export` cannot make a graph of it with these options, in a few words; empty
        where it can."""
        return "nobody has made a graph of its maps"

    def side_step_px(self, strides: Strides) -> int:
        """What image sides must be multiples of with a teacher of these strides: all of its maps
        have whole places."""
        return math.lcm(*strides)


@dataclass(frozen=True)
class DetectorInfo:
    """A detector as the configuration and the workflow see it."""

    module: str
    options: type[DetectorOptions]
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """Preset name -> section name (`options` or a stage's) -> what it sets there."""
    published: Mapping[str, str] = field(default_factory=dict)
    """The presets that are a publication's method -> what the publication does not say and we
    chose, in two words (`steps: ours`); empty where it says all."""
    outside_data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Section name -> what the publications took from elsewhere and the presets leave out, so that
    nothing need be downloaded. With it a run is as published."""
    train_fields: frozenset[str] = frozenset(TrainOptions.model_fields)
    """The options of section `train` that this detector's training reads."""
    own_terms: frozenset[str] = frozenset()
    """`SECTION.KEY` in which it may differ from others on equal terms: parts of the method."""
