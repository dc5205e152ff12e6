"""Small clouds, and neighbourhoods by loops."""

import numpy as np
import pytest
import torch

PITCH_M = 4e-4


@pytest.fixture(scope="session")
def make_cloud():
    """Points (1, 3, H, W) float32 of a rough wavy surface with holes, and where they are inside.

    `relief_m` of noise, waves ten times as high, `distance_m` from the camera.
    """

    def make(seed, size=(11, 13), relief_m=5e-5, distance_m=0.6, holes=0.1):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[: size[0], : size[1]].astype(float)
        z = distance_m + 10 * relief_m * np.sin(x / 2.0) * np.cos(y / 3.0)
        z = z + rng.normal(0, relief_m, x.shape)
        xyz = np.stack([(x - 4.0) * PITCH_M, (y - 5.0) * PITCH_M, z])
        inside = rng.random(x.shape) >= holes
        xyz = np.where(inside, xyz, 0.0).astype(np.float32)
        return torch.from_numpy(xyz)[None], torch.from_numpy(inside)[None]

    return make


@pytest.fixture(scope="session")
def slow_pitch():
    """The lower median of the distances between horizontal neighbours of (3, H, W), by loops."""

    def pitch(points, inside):
        _, height, width = points.shape
        steps = sorted(
            np.linalg.norm(points[:, y, x + 1] - points[:, y, x])
            for y in range(height)
            for x in range(width - 1)
            if inside[y, x] and inside[y, x + 1]
        )
        return steps[(len(steps) - 1) // 2] if steps else 0.0

    return pitch


@pytest.fixture(scope="session")
def slow_neighbours(slow_pitch):
    """Pixel (y, x) inside -> its neighbours' pixels, of a cloud (3, H, W) float64, by loops."""

    def neighbours(points, inside, radius):
        reach = 2 * radius * slow_pitch(points, inside)
        places = [tuple(at) for at in np.argwhere(inside)]
        return {
            (y, x): [
                (v, u)
                for v, u in places
                if (v, u) != (y, x)
                and max(abs(v - y), abs(u - x)) <= radius
                and np.linalg.norm(points[:, v, u] - points[:, y, x]) < reach
            ]
            for y, x in places
        }

    return neighbours


@pytest.fixture(scope="session")
def as_arrays():
    """The first cloud of a batch of tensors as float64 and bool arrays."""

    def arrays(*tensors):
        found = [tensor[0].numpy() for tensor in tensors]
        return [x if x.dtype == bool else x.astype(np.float64) for x in found]

    return arrays
