"""The typed options of the preparation, our own and other papers'."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from dcrdf.config.closed import Closed

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=1e6)]
Pixels = Annotated[int, Field(ge=1, le=2048)]
"""No more than an image is wide."""
IMAGE_SIDE_STEP_PX = 32
"""Sides of prepared images are multiples of it; detectors and teachers may ask for more."""


Frame = Literal["camera", "right_handed", "left_handed"]
"""Whose frame points are in: the camera's, or another one, of either hand."""


class PrepareOptions(Closed):
    """Raw scan -> normalised image and height map (docs/method.md, section 1).

    Most keys below `strict` exist for the preparations of other papers; see the presets. Those
    that know no `field` ask for `mode: part`.
    """

    RECORDED_IF_CHANGED: ClassVar[frozenset[str]] = frozenset({
        "plane", "foreground", "foreground_clean", "close_px", "cluster_gap_mm", "resize_first",
        "resize_surface", "background", "normalise", "image_range", "image_mean_unit_mm",
        "fill_rounds", "fill_at", "colour_background", "resize_colour", "resize_truth", "pad",
        "pad_multiple", "surface", "normals", "normals_sigma_px", "sobel_size", "frame",
    })  # fmt: skip

    image_size: Annotated[int, Field(ge=64, le=2048, multiple_of=IMAGE_SIDE_STEP_PX)] = 256
    resize: Literal["stretch", "letterbox"] = "stretch"
    depth: Literal["height", "z"] = "height"
    mode: Literal["auto", "part", "field"] = "auto"
    border_share: Annotated[float, Field(gt=0.0, le=0.25)] = 0.0125
    plane_inlier_mm: Positive = 5.0
    plane_min_inlier_share: Share = 0.5
    foreground_min_mm: Positive = 2.0
    foreground_sigmas: Annotated[float, Field(ge=0.0, le=1e6)] = 3.0
    component_min_share: Share = 0.01
    part_min_share: Share = 0.05
    part_max_share: Share = 0.95
    normalise_low_percentile: Annotated[float, Field(ge=0.0, lt=50.0)] = 1.0
    normalise_high_percentile: Annotated[float, Field(gt=50.0, le=100.0)] = 99.0
    normalise_min_span_mm: Annotated[float, Field(ge=1e-6, le=1e6)] = 5.0
    fill: Literal["push_pull", "telea", "navier_stokes", "nearest", "neighbour_mean", "none"] = (
        "push_pull"
    )
    strict: bool = True
    plane: Literal["border", "three_corners", "four_corners"] = "border"
    foreground: Literal["above", "off_plane"] = "above"
    foreground_clean: Literal["shape", "close", "largest", "none"] = "shape"
    close_px: Pixels = 7
    cluster_gap_mm: Annotated[float, Field(ge=0.5, le=1e6)] = 6.0
    resize_first: bool = False
    resize_surface: Literal["weighted", "nearest", "bilinear"] = "weighted"
    background: Literal["keep", "zero", "part_mean"] = "keep"
    normalise: Literal["category", "image_range", "image_mean"] = "category"
    image_range: tuple[Share, Share] = (0.1, 0.9)
    image_mean_unit_mm: Positive = 10.0
    fill_rounds: Annotated[int, Field(ge=1, le=100)] = 2
    fill_at: Literal["resized", "raw", "normalised"] = "resized"
    colour_background: Literal["keep", "black"] = "keep"
    resize_colour: Literal["area", "triangle", "cubic"] = "area"
    resize_truth: Literal["nearest", "half", "any"] = "nearest"
    pad: Literal["mirror", "zero", "edge"] = "mirror"
    pad_multiple: Pixels = 1
    surface: Literal["height", "normals"] = "height"
    normals: Literal["fitted", "sobel", "given"] = "fitted"
    normals_sigma_px: Annotated[float, Field(ge=0.5, le=16.0)] = 1.0
    sobel_size: Literal[3, 5, 7] = 5
    frame: Literal["auto", "camera", "right_handed", "left_handed"] = "auto"

    @property
    def needs_camera_frame(self) -> bool:
        """Whether distances from the camera are asked for, or normals as it sees them."""
        return self.depth == "z" or self.plane == "four_corners" or self.surface == "normals"

    @property
    def needs_part(self) -> bool:
        """Whether a scan without a part cannot be prepared as asked."""
        return (
            self.background != "keep"
            or self.normalise != "category"
            or self.colour_background != "keep"
            or (self.surface == "normals" and self.normals == "sobel")
        )

    @property
    def allows_pseudo_anomalies(self) -> bool:
        """Whether D_n has the scale that pseudo-anomalies are injected on, and is what is seen."""
        return self.normalise != "image_mean" and self.surface == "height"

    @property
    def reads_normals(self) -> bool:
        """Whether the normals that come with the scans are asked for."""
        return self.surface == "normals" and self.normals == "given"

    @model_validator(mode="after")
    def _goes_together(self) -> "PrepareOptions":
        if self.close_px % 2 == 0:
            raise ValueError("close_px must be odd")
        if self.image_range[0] >= self.image_range[1]:
            raise ValueError("image_range: the lower end must be below the upper end")
        if self.needs_part and self.mode != "part":
            raise ValueError(
                "background, normalise and colour_background other than keep, category and keep,"
                " and normals: sobel, know no field; set mode: part"
            )
        if self.fill_at == "normalised" and self.normalise != "image_range":
            raise ValueError("fill_at: normalised fills zeros of normalise: image_range")
        if self.colour_background == "black" and self.resize_first:
            raise ValueError("colour_background: black needs resize_first: false")
        if self.resize == "stretch" and (self.pad != "mirror" or self.pad_multiple != 1):
            raise ValueError("pad and pad_multiple belong to resize: letterbox")
        return self
