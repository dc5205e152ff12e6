"""Modality-resilient detection as the configuration sees it: its parts, the rows of its paper.

Facts: Xu, Yuan, Yang, Yan, Sensors 2025, 25, 6529, which released no code. docs/resilient.md says
what it leaves open and what is ours; so much is that no preset is called published.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from dcrdf.config.detectors.base import DetectorInfo, Need, PinnedFile
from dcrdf.config.detectors.patch_bank import PatchBankOptions
from dcrdf.config.options import Count, Distinct, MapKind, PathText, Positive, Share

Geometry = Literal["fpfh", "structure", "point_mae", "height_image"]


class ResilientOptions(PatchBankOptions):
    """Banks of colour and of geometry, and a stand-in for either (docs/resilient.md).

    `stages`, `patch_pool`: of the teacher, as in memory_bank; joined at the finest one's grid, or
    (`grid: quarter`) at one place for 4 x 4 pixels.
    `geometry`: `fpfh` (histograms of normals' angles; windows of every second pixel, or with
    `fpfh_grid: full` of all), `structure` (covariance, normal, edge response), `point_mae` (a
    pretrained network: `geometry_weights` with its `geometry_sha256`; around `centres`), or
    `height_image`, the teacher's features of heights.
    `sampling`: geometry by way of fewer points: the means of voxels of `voxel_min_pitch` to
    `voxel_max_pitch` pixels' pitches, smaller where density says so (`voxel_alpha`), or all of the
    largest size (`fixed`); beside them the sharpest `edge_share` of training points.
    `transfer`: what learns one modality's features from the other's: two networks of places
    (`pair`), one with a shared middle (`joint`), or nothing; `transfer_hidden` wide, so many steps.
    `bank_features`: banks of the `frozen` features or of those that the joint network gives.
    Banks: as in memory_bank.
    """

    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset()

    stages: Distinct[Literal[1, 2, 3]] = (1, 2, 3)
    patch_pool: Literal[1, 3, 5, 7] = 3
    grid: Literal["native", "quarter"] = "native"
    geometry: Geometry = "fpfh"
    fpfh_grid: Literal["half", "full"] = "half"
    geometry_weights: PathText | None = None
    geometry_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    centres: Literal["voxel", "fps"] = "voxel"
    sampling: Literal["none", "voxel", "fixed"] = "none"
    voxel_min_pitch: Positive = 2.0
    voxel_max_pitch: Positive = 8.0
    voxel_alpha: Positive = 0.7
    edge_share: Share = 0.02
    transfer: Literal["pair", "joint", "none"] = "pair"
    transfer_hidden: Annotated[int, Field(ge=1, le=65_536)] = 256
    transfer_steps: Count = 500
    bank_features: Literal["frozen", "student"] = "frozen"
    bank_size: Count | Literal["elbow"] | None = 4096
    bank_precision: Literal["float32", "float16"] = "float16"

    @model_validator(mode="after")
    def _parts_go_together(self) -> "ResilientOptions":
        if self.bank_features == "student" and self.transfer != "joint":
            raise ValueError("bank_features: student belongs to transfer: joint")
        if self.sampling != "none" and self.geometry not in ("fpfh", "structure"):
            raise ValueError("sampling belongs to geometry: fpfh or structure; leave it out")
        if self.voxel_min_pitch > self.voxel_max_pitch:
            raise ValueError("voxel_min_pitch is above voxel_max_pitch")
        return self

    @model_validator(mode="after")
    def _weights_belong_to_the_network(self) -> "ResilientOptions":
        given = (self.geometry_weights, self.geometry_sha256)
        if self.geometry == "point_mae" and None in given:
            raise ValueError(
                "geometry: point_mae takes geometry_weights: FILE, Point-MAE's pretrained weights,"
                " and geometry_sha256, what `sha256sum FILE` prints"
            )
        if self.geometry != "point_mae" and given != (None, None):
            raise ValueError("geometry_weights and geometry_sha256 belong to geometry: point_mae")
        return self

    def files(self) -> tuple[PinnedFile, ...]:
        """The points' network, where it is pretrained."""
        if self.geometry_weights is None or self.geometry_sha256 is None:
            return ()
        return (
            PinnedFile("options.geometry_weights", self.geometry_weights, self.geometry_sha256),
        )

    def needs(self) -> frozenset[Need]:
        """The part's outline, and the points unless heights are looked at as an image."""
        images_alone = self.geometry == "height_image"
        return frozenset({"outline"}) if images_alone else frozenset({"outline", "points"})

    def unexportable(self) -> str:
        """Never."""
        return "it reads points, whose number differs from scan to scan"

    def stands_in(self) -> bool:
        """Where a transfer is learnt."""
        return self.transfer != "none"

    def maps(self) -> frozenset[MapKind]:
        """Crossmodal ones where a transfer is learnt."""
        return frozenset({"raw"}) if self.transfer == "none" else frozenset({"raw", "crossmodal"})


_SVM: Mapping[str, Any] = {
    "fusion": "one_class_svm",
    "score": "one_class_svm",
    "stand_ins": "always",
}
_DUAL: Mapping[str, Any] = {**_SVM, "stand_ins": "never"}
_ZSCORES: Mapping[str, Any] = {"fusion": "zscore_sum"}
_INFER: Mapping[str, Any] = {"blur_sigma_px": 4.0, "score": "max"}
_LITERAL: Mapping[str, Any] = {"select": "kmeans", "bank_size": "elbow", "projection": 128}
_STUDENT: Mapping[str, Any] = {
    "transfer": "joint",
    "bank_features": "student",
    "transfer_steps": 2000,
}
_POINT_MAE: Mapping[str, Any] = {"geometry": "point_mae", "centres": "voxel"}
_VIT: Mapping[str, Any] = {"stages": [3], "patch_pool": 1, "grid": "quarter"}


def _row(
    options: Mapping[str, Any],
    infer: Mapping[str, Any] = _SVM,
    **sections: Mapping[str, Any],
) -> Mapping[str, Mapping[str, Any]]:
    prepare: Mapping[str, Any] = {"image_size": 224}
    return {"options": options, "prepare": prepare, "infer": {**_INFER, **infer}} | sections


def _printed(
    options: Mapping[str, Any], infer: Mapping[str, Any] = _SVM
) -> Mapping[str, Mapping[str, Any]]:
    """A row of the paper, with its extractors."""
    literal = {**_POINT_MAE, **_VIT, **_LITERAL, **options}
    return _row(literal, infer, teacher={"name": "dino_vitb8"})


_LITE_TEACHER: Mapping[str, Any] = {"name": "efficientnet_lite0", "weights": "package"}
_STRUCTURE: Mapping[str, Any] = {"geometry": "structure", "sampling": "voxel"}

PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "default": {"options": {}, "infer": {"fusion": "zscore_sum"}},
    "paper": _printed(_STUDENT),
    "full": _printed(_STUDENT),
    "paper_structure": _row(
        {**_STRUCTURE, **_VIT, **_LITERAL, **_STUDENT}, teacher={"name": "dino_vitb8"}
    ),
    "paper_lite": _row({**_LITERAL, **_STUDENT}, teacher=_LITE_TEACHER),
    "dual": _printed({"transfer": "none"}, _DUAL),
    "single_rgb": _printed({"transfer": "none"}, {"fusion": "rgb"}),
    "single_points": _printed({"transfer": "none"}, {"fusion": "depth"}),
    "resilient_rgb": _printed(_STUDENT, {**_SVM, "modalities": "rgb"}),
    "resilient_points": _printed(_STUDENT, {**_SVM, "modalities": "depth"}),
    "voxel_fixed": _row({"geometry": "structure", "sampling": "fixed"}, _ZSCORES),
    "voxel_none": _row({"geometry": "structure", "sampling": "none"}, _ZSCORES),
    "bank_kmeans": {"options": {"select": "kmeans"}, "infer": {"fusion": "zscore_sum"}},
    "bank_k_centre": {"options": {"select": "k_centre"}, "infer": {"fusion": "zscore_sum"}},
}
"""`paper` is `full`; `resilient_*` share its training, `single_*` that of `dual`."""

RESILIENT = DetectorInfo(
    module="dcrdf.detectors.resilient.detector:Resilient",
    options=ResilientOptions,
    presets=PRESETS,
    train_fields=frozenset({"cpu_threads"}),
    own_terms=frozenset(
        {
            *("infer.maps", "infer.fusion", "infer.score"),
            *("infer.stand_ins", "infer.modalities", "infer.replace_unusual"),
        }
    ),
)
