"""Values of an organised cloud by way of fewer samples: down to voxels and edges, and back."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcrdf.networks.geometry.interpolation import interpolated, place_means
from dcrdf.networks.geometry.voxels import MOST_EDGES, Voxels, adaptive, cubes, edge_points
from dcrdf.networks.geometry.windows import pitch_m, thinned


@dataclass(frozen=True)
class SamplingRule:
    """Sizes of voxels in pitches, alpha of the density rule, and E above which points are kept.

    Without alpha all voxels have the largest size; without a threshold no edges are kept.
    """

    smallest_pitches: float = 2.0
    largest_pitches: float = 8.0
    alpha: float | None = 0.7
    edge_threshold: float | None = None
    most_edges: float = MOST_EDGES


@dataclass(frozen=True)
class Samples:
    """Of a cloud of N points: its voxels' means, then the points (E,) that are kept as edges."""

    voxels: Voxels
    edges: Tensor

    def __len__(self) -> int:
        return self.voxels.count + len(self.edges)

    def of(self, values: Tensor) -> Tensor:
        """Values (N, C) of the points as the samples have them: (M, C)."""
        return torch.cat([self.voxels.means(values), values[self.edges]])

    def directions(self, normals: Tensor) -> Tensor:
        """Unit vectors (N, 3) likewise, of unit length again; 0 where they cancel."""
        sums = self.of(normals)
        length = sums.norm(dim=1, keepdim=True)
        return sums / torch.where(length > 0.0, length, torch.ones_like(length))


def sampled(points: Tensor, response: Tensor, pitch: float, rule: SamplingRule) -> Samples:
    """The samples of a cloud (N, 3) in metres with edge responses (N,); `pitch` in metres."""
    smallest_m, largest_m = rule.smallest_pitches * pitch, rule.largest_pitches * pitch
    if rule.alpha is None:
        voxels = cubes(points, largest_m)
    else:
        voxels = adaptive(points, smallest_m, largest_m, rule.alpha)
    threshold = torch.inf if rule.edge_threshold is None else rule.edge_threshold
    return Samples(voxels, edge_points(response, threshold, rule.most_edges))


def by_samples(
    values: Tensor,
    points: Tensor,
    normals: Tensor,
    given: Tensor,
    response: Tensor,
    rule: SamplingRule,
    place_px: int = 1,
    asked_px: int = 1,
    sigma_normal: float = 0.5,
) -> tuple[Tensor, Tensor]:
    """Values (B, C, H, W) as the samples have them, interpolated to every `asked_px`-th pixel and
    averaged over places: (B, C, H // place, W // place) and where there are any.

    From the 8 nearest samples within twice the largest voxel; half of it is the width of the
    weights. `points`, `normals` (B, 3, H, W), `given` (B, H, W) where there are values and
    normals, `response` (B, H, W) the edge response. Time grows with pixels asked times samples.
    """
    asked_points, asked_normals, asked = (thinned(x, asked_px) for x in (points, normals, given))
    result = values.new_zeros((len(values), values.shape[1], *asked.shape[1:]))
    found = torch.zeros_like(asked)
    for i, pitch in enumerate(pitch_m(points, given).tolist()):
        if not pitch:
            continue
        cloud, directions, features = (pixels(x[i], given[i]) for x in (points, normals, values))
        samples = sampled(cloud, response[i][given[i]], pitch, rule)
        largest_m = rule.largest_pitches * pitch
        back, near = interpolated(
            pixels(asked_points[i], asked[i]), pixels(asked_normals[i], asked[i]),
            samples.of(cloud), samples.directions(directions), samples.of(features),
            within_m=2.0 * largest_m, sigma_m=largest_m / 2.0, sigma_normal=sigma_normal,
        )  # fmt: skip
        result[i][:, asked[i]] = back.T
        found[i][asked[i]] = near
    return place_means(result, found, place_px // asked_px)


def pixels(image: Tensor, where: Tensor) -> Tensor:
    """The pixels (N, C) of an image (C, H, W) in a mask (H, W)."""
    return image[:, where].T.contiguous()
