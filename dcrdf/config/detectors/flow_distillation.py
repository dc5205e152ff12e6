"""Multi-scale flow distillation as the configuration sees it: its parts, the rows of its paper.

Facts: Qin et al., arXiv 2311.04095 (`paper`); Rudolph et al., WACV 2023 and its code at 8c243ad
(`ast`), on which it builds. docs/flow_distillation.md says what is whose.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from dcrdf.config.detectors.base import DetectorInfo, DetectorOptions, Need, Surface
from dcrdf.config.options import Count, Decay, Distinct, Fusion, MapKind, Positive

Width = Annotated[int, Field(ge=1, le=65_536)]


class FlowDistillationOptions(DetectorOptions):
    """Multi-scale flow distillation's parts (docs/flow_distillation.md).

    `scales`: the distances that train the student are of outputs pooled by these; 1 alone is AST.
    `mask: all` trains and scores every place, not the part alone; `mask_rule`: a pooled place
    counts where `any` of its cells does, or `half` of them. The height comes as `depth_cell` x
    `depth_cell` pixels a place, less its mean over the part (`depth_centre: image`).
    `feature_norm: channel`: what comes in is standardised. `side_channels`: the students' width
    where one modality is seen alone; none: `student_channels`. `flow_epochs`: of the teacher; none:
    `train.epochs`, as the student's. Rate, betas and weight decay (L2 within Adam) are the
    method's, and `train.learning_rate` and `train.betas` are not read.
    """

    scales: Distinct[Literal[1, 2, 4]] = (1, 2, 4)
    feature_stage: Literal[2, 3] = 3
    feature_norm: Literal["none", "channel"] = "none"
    depth_cell: Literal[4, 8, 16] = 8
    depth_centre: Literal["image", "none"] = "image"
    mask: Literal["foreground", "all"] = "foreground"
    mask_rule: Literal["any", "half"] = "any"
    coupling_kernels: Annotated[
        tuple[Literal[1, 3, 5, 7], ...], Field(min_length=1, max_length=64)
    ] = (3, 3, 3, 5)
    coupling_hidden: Width = 64
    clamp: Annotated[float, Field(gt=0.0, le=10.0)] = 1.9
    encoding_channels: Annotated[int, Field(ge=4, le=1024, multiple_of=4)] = 32
    student_channels: Width = 256
    student_blocks: Annotated[int, Field(ge=1, le=64)] = 4
    side_channels: Width | None = None
    flow_epochs: Count | None = None
    learning_rate: Positive = 2e-4
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 1e-5

    def needs(self) -> frozenset[Need]:
        """The part's outline: heights beside it say nothing, and most masks are made of it."""
        return frozenset({"outline"})

    def unexportable(self) -> str:
        """With all options it can."""
        return ""

    def maps(self) -> frozenset[MapKind]:
        """The student's distances, or the teacher's likelihood alone."""
        return frozenset({"raw", "likelihood"})

    def fusions(self, maps: MapKind = "raw") -> frozenset[Fusion]:
        """Also the map of the network that sees both modalities."""
        return super().fusions(maps) | {"joint"}

    def surfaces(self) -> frozenset[Surface]:
        """The height alone is rearranged into channels."""
        return frozenset({"height"})


def _row(
    options: Mapping[str, Any], fusion: Fusion = "joint", maps: MapKind = "raw"
) -> Mapping[str, Mapping[str, Any]]:
    return {
        "options": {"student_channels": 1024, **options},
        "prepare": {"preset": "ast"},
        "teacher": {"name": "efficientnet_b5"},
        "train": {"epochs": 72, "batch_size": 8},
        "infer": {"maps": maps, "fusion": fusion, "blur_sigma_px": 0.0, "score": "max"},
    }


PRINTED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "paper": _row({"scales": [1, 2, 4]}),
    "ast": _row({"scales": [1]}),
    "scale_2": _row({"scales": [2]}),
    "scale_4": _row({"scales": [4]}),
    "scales_1_2": _row({"scales": [1, 2]}),
    "scales_1_4": _row({"scales": [1, 4]}),
    "scales_2_4": _row({"scales": [2, 4]}),
}
"""The paper's rows (Table 6), each a training of its own."""

FLOW_DISTILLATION = DetectorInfo(
    module="dcrdf.detectors.flow_distillation.detector:FlowDistillation",
    options=FlowDistillationOptions,
    presets={
        **PRINTED,
        "rgb_only": _row({"scales": [1, 2, 4]}, "rgb"),
        "depth_only": _row({"scales": [1, 2, 4]}, "depth"),
        "teacher_alone": _row({"scales": [1, 2, 4]}, maps="likelihood"),
        "late_sum": _row({"scales": [1, 2, 4]}, "zscore_sum"),
        "small": {
            "options": {},
            "infer": {"maps": "raw", "fusion": "joint", "blur_sigma_px": 4.0, "score": "max"},
        },
    },
    published=dict.fromkeys(PRINTED, "steps: AST's"),
    train_fields=frozenset(
        {
            "epochs",
            "batch_size",
            "min_steps",
            "schedule",
            "decay",
            "precision",
            "cpu_threads",
            "feature_cache_mb",
        }
    ),
    # Two stages share what the others train in one: equal is the sum of `flow_epochs` and
    # `train.epochs`, which is no single key. Equal steps are held by tests of the shipped files.
    own_terms=frozenset(
        {"train.epochs", "train.schedule", "train.decay", "infer.maps", "infer.fusion"}
    ),
)
