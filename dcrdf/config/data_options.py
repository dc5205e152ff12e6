"""The typed options of what is made from nothing: embedded samples and pseudo-anomalies."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from dcrdf.config.closed import Closed
from dcrdf.config.prepare_options import Pixels, Positive, Share
from dcrdf.config.value_types import Count, NonNegative, PathText


class SyntheticOptions(Closed):
    """How many samples of the embedded data set to make (per category)."""

    image_size: Annotated[int, Field(ge=64, le=1024)] = 320
    train: Count = 60
    validation: Count = 16
    test_good: Count = 16
    test_per_defect: Count = 6
    seed: NonNegative = 0


class PseudoOptions(Closed):
    """Pseudo-anomalies injected into training samples (docs/method.md, paper eq. 1-7).

    The defaults read the paper as literally as it can be read, and then it does little: 63 to 84 %
    of a mask lies on the most textured fifth of the part (the mask's rank grows with texture), in
    some 20 to 230 pieces with a median of 7 to 14 px; colours change by 21 to 31 grey levels in
    the median, with a texture in the part's own colours, and heights by about a tenth of the
    part's height range. Beyond the paper: `mask: blobs` keeps one to three pieces of a coarser
    field (`blob_cells` lattice cells per image side), anywhere on the part; `strength: uniform`
    drops the weights from S_f; `texture_shift` moves the texture's colour by so many deviations
    of the part's; `variant: modality` changes colour, depth or both, a third each.
    `mask_share` bounds the changed share of the part: the quantile moves where it would leave it.
    """

    variants: Annotated[int, Field(ge=1, le=64)] = 4
    textures: PathText = "procedural"
    mask: Literal["literal", "blobs"] = "literal"
    variant: Literal["joint", "modality"] = "joint"
    edge: Literal["emphasise", "attenuate"] = "emphasise"
    edge_tau: Positive = 1.0
    edge_alpha: Share = 0.3
    edge_band_share: Share = 0.03
    perlin_grids: Annotated[tuple[Pixels, ...], Field(min_length=1)] = (16, 32, 64)
    perlin_weights: tuple[Positive, ...] = (0.5, 0.3, 0.2)
    perlin_kappa: Positive = 1.0
    quantile: tuple[Share, Share] = (0.90, 0.995)
    mask_share: tuple[Share, Share] = (0.005, 0.10)
    blob_cells: tuple[Pixels, Pixels] = (3, 10)
    strength: Literal["weighted", "uniform"] = "weighted"
    colour_strength: tuple[Positive, Positive] = (0.3, 1.0)
    texture_share: tuple[Share, Share] = (0.2, 0.9)
    texture_shift: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    depth_strength: tuple[Positive, Positive] = (0.1, 0.6)
    guide_radius_px: Pixels = 4
    guide_eps: Positive = 1e-3
    seed: NonNegative = 0

    @field_validator(
        "quantile", "mask_share", "blob_cells", "colour_strength", "texture_share", "depth_strength"
    )
    @classmethod
    def _ordered(cls, pair: tuple[float, float]) -> tuple[float, float]:
        if pair[0] > pair[1]:
            raise ValueError("the lower end is above the upper end")
        return pair

    @model_validator(mode="after")
    def _same_length(self) -> "PseudoOptions":
        if len(self.perlin_grids) != len(self.perlin_weights):
            raise ValueError("perlin_grids and perlin_weights differ in length")
        return self
