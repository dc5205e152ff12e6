"""From samples back to points: how well heights come back, with and without the normals' weight."""

import torch
from torch import Tensor

from bench.geometry.clouds import Cloud
from bench.geometry.reduction import EDGE_SHARE, SHARP_SHARE
from bench.page import Rows
from dcrdf.networks.geometry.interpolation import interpolated
from dcrdf.networks.geometry.sampling import SamplingRule, sampled

ASKED = 4000
"""Points at which heights are asked for, evenly spread over the cloud."""
HEAD = (
    "cloud",
    "samples",
    "normals count, um",
    "at edges, um",
    "distance alone, um",
    "at edges, um",
)
RULE = "| --- | --- | ---: | ---: | ---: | ---: |"


def _rmse_um(errors_m: Tensor) -> str:
    return f"{1e6 * float(errors_m.square().mean().sqrt()):.0f}"


def bench_backwards(clouds: list[Cloud]) -> Rows:
    """RMSE of interpolated heights against the points' own, of the default samples and of these
    with edges."""
    rows: Rows = []
    for cloud in clouds:
        threshold = float(cloud.response.quantile(1.0 - EDGE_SHARE))
        for name, rule in (
            ("adaptive", SamplingRule()),
            ("adaptive + edges", SamplingRule(edge_threshold=threshold)),
        ):
            samples = sampled(cloud.points, cloud.response, cloud.pitch_m, rule)
            asked = torch.linspace(0, len(cloud.points) - 1, ASKED).long()
            sharp = cloud.response[asked] >= cloud.response.quantile(1.0 - SHARP_SHARE)
            cells = [cloud.name, name]
            for sigma_normal in (0.5, torch.inf):
                reach_m = rule.largest_pitches * cloud.pitch_m
                heights, found = interpolated(
                    cloud.points[asked], cloud.normals[asked], samples.of(cloud.points),
                    samples.directions(cloud.normals), samples.of(cloud.points[:, 2:]),
                    within_m=2.0 * reach_m, sigma_m=reach_m / 2.0, sigma_normal=sigma_normal,
                )  # fmt: skip
                errors_m = heights[:, 0] - cloud.points[asked, 2]
                cells += [_rmse_um(errors_m[found]), _rmse_um(errors_m[found & sharp])]
            rows.append(tuple(cells))
    return rows
