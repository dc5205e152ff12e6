"""The paper's hand-made description of a point: covariance, normal and edge response.

Xu et al., Sensors 2025, section 3.2.2, names these three and never the vector; the nine numbers
are ours. (Its "expansion to 768 channels" would change no nearest neighbour.)
"""

import torch
from torch import Tensor

from dcrdf.networks.geometry.covariance import covariances
from dcrdf.networks.geometry.edges import edge_response
from dcrdf.networks.geometry.eigen import eigenvalues, smallest_vectors
from dcrdf.networks.geometry.normals import normals_of
from dcrdf.networks.geometry.windows import pitch_m

RADII_PX = (2, 4)
CHANNELS = 4 * len(RADII_PX) + 1


def structure(points: Tensor, inside: Tensor, upright: Tensor) -> tuple[Tensor, Tensor]:
    """At both radii linearity, planarity, root of the surface variation, |n . upright|; and E of
    the smaller one: (B, 9, H, W) float32, each but E in [0, 1].

    `points` (B, 3, H, W) in metres, `inside` (B, H, W) bool, `upright` (B, 3) the unit normal of
    the plane that the part lies on. Returns also where all are given (B, H, W): where there is a
    normal at both radii; 0 elsewhere.
    """
    pitch = pitch_m(points, inside)
    channels, response, given = [], None, inside
    for radius_px in RADII_PX:
        around = covariances(points, inside, radius_px, pitch)
        values = eigenvalues(around.upper)
        vectors, with_normal = normals_of(points, around, values)
        slope = (vectors * upright[:, :, None, None]).sum(dim=1).abs()
        channels += [around.scattered(shape_of(values).to(points.dtype)), slope[:, None]]
        given = given & with_normal
        if response is None:
            response = edge_response(points, vectors, with_normal, radius_px, pitch)
    assert response is not None
    return torch.cat([*channels, response[:, None]], dim=1) * given[:, None], given


def shape_of(values: Tensor) -> Tensor:
    """Linearity, planarity, root of the surface variation (N, 3) of eigenvalues (N, 3), largest
    first (Weinmann et al., ISPRS Journal 105, 2015); 0 where all are 0."""
    large, middle, small = values.clamp(min=0.0).unbind(dim=1)
    safe = torch.where(large > 0.0, large, torch.ones_like(large))
    variation = small / torch.where(large > 0.0, large + middle + small, safe)
    return torch.stack([(large - middle) / safe, (middle - small) / safe, variation.sqrt()], dim=1)


def plane_normals(points: Tensor, inside: Tensor) -> Tensor:
    """Unit normals (B, 3) of the least-squares planes through all points inside, without a sign;
    0 where there is no plane.

    `points` (B, 3, H, W) in metres, `inside` (B, H, W) bool.
    """
    weights = inside.flatten(1).double()
    count = weights.sum(dim=1).clamp(min=1.0)[:, None]
    flat = points.flatten(2).double()
    centre = (flat * weights[:, None]).sum(dim=2) / count
    centred = (flat - centre[:, :, None]) * weights[:, None]
    matrices = centred @ centred.transpose(1, 2) / count[:, :, None]
    rows, columns = torch.triu_indices(3, 3, device=points.device)
    upper = matrices[:, rows, columns]
    return smallest_vectors(upper, eigenvalues(upper)).to(points.dtype)
