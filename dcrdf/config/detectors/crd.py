"""Crossmodal Reverse Distillation as the configuration sees it: its parts, the rows of its paper.

Facts: Liu, Wang, Leng, Zhang, arXiv 2412.08949v1; hito2448/TRD bdf63bd (2024, `paper`) and e7dc096
(2025, `trd`). docs/crd.md says what the two versions differ in.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from dcrdf.config.detectors.base import DetectorInfo, DetectorOptions
from dcrdf.config.options import MapKind, Share
from dcrdf.config.teachers import TEACHERS, Strides


class CrdOptions(DetectorOptions):
    """Crossmodal Reverse Distillation's parts (docs/crd.md).

    `filter`: what joins the other modality's features to those that the student reads; the
    bottleneck's smallest map is halved `filter_depth` times below the teacher's coarsest stage.
    `amplifier`: what is mixed with the student's features, `between` the decoder's stages (the
    code) or `after` it (the figure); `expansion` is its inner width. `stop_gradient: output`: the
    map's loss trains the mixing weights alone (2024); `none`: the whole branch (2025).
    `absent`: what a branch's own map takes for the other modality: what the other branch imagines
    of it (`cycle`), or the branch's own features, without the amplifier (`own`). Training shows a
    batch of a branch in the latter form by the chance `modality_dropout`.
    """

    augmented_by: ClassVar[str] = "augment"

    filter: Literal["none", "identity", "bottleneck"] = "bottleneck"
    filter_depth: Literal[0, 1, 2] = 1
    amplifier: Literal["none", "identity", "inverted"] = "inverted"
    expansion: Literal[2, 4] = 2
    mixing: Literal["between", "after"] = "between"
    stop_gradient: Literal["output", "none"] = "output"
    absent: Literal["own", "cycle"] = "cycle"
    modality_dropout: Share = 0.0
    distance: Literal["flattened", "per_pixel"] = "flattened"
    decoder_blocks: Literal["mirror", "light"] = "mirror"
    augment: Literal["none", "dihedral", "natural"] = "none"

    @model_validator(mode="after")
    def _mixes_something(self) -> "CrdOptions":
        if self.amplifier == "none" and (self.mixing, self.stop_gradient) != ("between", "output"):
            raise ValueError("mixing and stop_gradient belong to an amplifier; leave them out")
        return self

    @property
    def asks_the_other(self) -> bool:
        """Whether a branch has any part that reads the other modality."""
        return self.filter != "none" or self.amplifier != "none"

    def augments(self) -> bool:
        """As `augment` says."""
        return self.augment != "none"

    def unexportable(self) -> str:
        """With all options it can."""
        return ""

    def maps(self) -> frozenset[MapKind]:
        """Crossmodal ones where the other modality is asked; the mapping is the amplifier's."""
        kinds: dict[MapKind, bool] = {
            "raw": True,
            "crossmodal": self.asks_the_other,
            "mapping": self.amplifier != "none",
        }
        return frozenset(kind for kind, is_there in kinds.items() if is_there)

    def teachers(self) -> frozenset[str]:
        """Those whose maps halve from stage to stage: the students halve and double with them."""
        return frozenset(name for name, teacher in TEACHERS.items() if teacher.halves)

    def side_step_px(self, strides: Strides) -> int:
        """The embedding has half the places of the last stage, along each side; the deepest
        filter's smallest map half of that."""
        deepest = self.filter == "bottleneck" and self.filter_depth == 2
        return (4 if deepest else 2) * super().side_step_px(strides)


_TRAIN: Mapping[str, Any] = {
    "epochs": 200,
    "batch_size": 16,
    "learning_rate": 0.005,
    "schedule": "exponential",
    "decay": 0.95,
}


def _row(
    options: Mapping[str, Any],
    fusion: str = "zscore_sum",
    maps: MapKind = "crossmodal",
    **sections: Mapping[str, Any],
) -> Mapping[str, Mapping[str, Any]]:
    infer = {"maps": maps, "fusion": fusion, "blur_sigma_px": 4.0, "score": "max"}
    return {
        "options": options,
        "prepare": {"preset": "crd"},
        "teacher": {"name": "wide_resnet50_2"},
        "train": _TRAIN,
        "infer": infer,
    } | sections


_NO_FILTER: Mapping[str, Any] = {"filter": "none"}
_NO_AMPLIFIER: Mapping[str, Any] = {"amplifier": "none"}
_PLAIN: Mapping[str, Any] = {**_NO_FILTER, **_NO_AMPLIFIER}
_2025: Mapping[str, Any] = {"stop_gradient": "none"}

PRINTED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "paper": _row({}),
    "no_assistants": _row(_PLAIN, maps="raw"),
    "rgb_plain": _row(_PLAIN, "rgb", "raw"),
    "depth_plain": _row(_PLAIN, "depth", "raw"),
    "rgb_crossmodal": _row({}, "rgb_crossmodal"),
    "depth_crossmodal": _row({}, "depth_crossmodal"),
    "filter_only": _row(_NO_AMPLIFIER),
    "amplifier_only": _row(_NO_FILTER),
    "filter_identity": _row({**_NO_AMPLIFIER, "filter": "identity"}),
    "filter_16": _row({**_NO_AMPLIFIER, "filter_depth": 0}),
    "filter_4": _row({**_NO_AMPLIFIER, "filter_depth": 2}),
    "amplifier_identity": _row({**_NO_FILTER, "amplifier": "identity"}),
    "amplifier_4x": _row({**_NO_FILTER, "expansion": 4}),
    "plain_sum": _row({}, "avg"),
    "product": _row({}, "product"),
}
"""The paper's rows (Tables 1 to 7); fusions are choices at inference, so nine trainings serve all
fifteen. `avg` is half the sum: the same ranks."""

_EYECANDIES = _row(
    {},
    prepare={"preset": "crd", "surface": "normals", "normals": "given"},
    train={**_TRAIN, "epochs": 100},
)

CRD = DetectorInfo(
    module="dcrdf.detectors.crd.detector:Crd",
    options=CrdOptions,
    presets={
        **PRINTED,
        "eyecandies": _EYECANDIES,
        "trd": _row(_2025),
        "trd_normals": _row(_2025, prepare={"preset": "crd_normals"}),
        "after": _row({"mixing": "after"}),
    },
    published={
        **dict.fromkeys((*PRINTED, "eyecandies"), ""),
        "filter_identity": "form: likely",
        "amplifier_identity": "form: likely",
        "filter_16": "row: open",
        "filter_4": "row: open",
    },
    own_terms=frozenset(
        {
            "train.learning_rate",
            "train.betas",
            "train.schedule",
            "train.decay",
            "infer.maps",
            "infer.fusion",
        }
    ),
)
