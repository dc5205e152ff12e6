"""Surface normals as an image of three channels: (n + 1) / 2 of the unit normal n.

n is (to the right, down, towards the camera); the image is float16 within [0, 1]. Where a
preparation blackens the background there is no normal, (0, 0, 0).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from dcrdf.config.options import PrepareOptions
from dcrdf.errors import UserError
from dcrdf.preparation.holes import fill_holes, neighbour_mean
from dcrdf.preparation.local_planes import fit_normals
from dcrdf.preparation.plane import Plane
from dcrdf.preparation.resize import Placement, resize_area, resize_bilinear, resize_surface

Mask = NDArray[np.bool_]
Points = NDArray[np.float32]
Vectors = NDArray[np.float32]
NormalsImage = NDArray[np.float16]

FLAT = np.array([0.5, 0.5, 1.0], np.float16)
"""The background plane's own normal."""


def fitted_normals(
    xyz_m: Points, known: Mask, plane: Plane, placement: Placement, options: PrepareOptions
) -> NormalsImage:
    """Points brought to the placement's size, a plane fitted around each, its normal seen from the
    background plane; where too few points are known, what lies around fills it in."""
    centre_m = xyz_m[known].mean(axis=0, dtype=np.float64) if known.any() else np.zeros(3)
    centred_m = (xyz_m - centre_m).astype(np.float32)
    axes, measured = zip(
        *(
            resize_surface(centred_m[..., axis], known, placement, options.resize_surface)
            for axis in range(3)
        ),
        strict=True,
    )
    normals, given = fit_normals(
        np.stack(axes, axis=-1), measured[0], options.normals_sigma_px, centre_m
    )
    normals = in_plane_frame(normals, plane)
    for axis in range(2):
        normals[..., axis] = fill_holes(
            normals[..., axis], given, options.fill, options.fill_rounds
        )
    squares = (normals[..., :2] ** 2).sum(axis=-1)
    upright = np.sqrt(np.maximum(np.float32(1.0) - squares, np.float32(0.0)))
    normals[..., 2] = np.where(given, normals[..., 2], upright)
    return encoded(normals)


def sobel_normals(
    z_m: NDArray[np.float32],
    known: Mask,
    part: Mask,
    placement: Placement,
    sobel_size: int,
    rounds: int,
) -> NormalsImage:
    """What CRD's code of 2025 takes for normals: slopes of the part's distances, which were scaled
    to [0, 1] image by image. OpenCV's kernel is not divided by its sum, so that its size sets the
    gain (8, 128, 2048) and the angles are no real ones. The nearest pixel counts as missing."""
    inside = part & known
    scaled = np.zeros_like(z_m)
    if inside.any():
        low_m, high_m = float(z_m[inside].min()), float(z_m[inside].max())
        shares = (z_m - low_m) / (high_m - low_m) if high_m > low_m else np.full_like(z_m, 0.5)
        scaled = np.where(inside, shares, np.float32(0.0)).astype(np.float32)
    scaled, _ = neighbour_mean(scaled, scaled > 0.0, rounds)
    slopes = [cv2.Sobel(scaled, cv2.CV_32F, 1 - i, i, ksize=sobel_size) for i in range(2)]
    normals = np.stack([-slopes[0], -slopes[1], np.ones_like(scaled)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    shown = np.where(part[..., None], (normals + 1.0) / 2.0, 0.0).astype(np.float32)
    return resize_bilinear(shown, placement).astype(np.float16)


def given_normals(
    normals: NDArray[np.uint8] | None, known: Mask, placement: Placement
) -> NormalsImage:
    """The normals (H, W, 3) that came with the scan, resized as an image; flat ones without points.

    `UserError` when a scan with points came without them.
    """
    if normals is None:
        if known.any():
            raise UserError(
                "a scan comes without normals; prepare.normals: fitted computes them from points"
            )
        return np.tile(FLAT, (placement.height, placement.width, 1))
    return resize_area(normals.astype(np.float32) / np.float32(255.0), placement).astype(np.float16)


def in_plane_frame(normals: Vectors, plane: Plane) -> Vectors:
    """Normals (H, W, 3) in the camera's frame (z forward), seen from the plane: by the smallest
    rotation that takes its normal to (0, 0, 1), z towards the camera. Whatever the rig's tilt, the
    plane itself looks the same."""
    a = np.array(plane.normal) / np.linalg.norm(plane.normal) * (1.0, 1.0, -1.0)
    cross = np.array([[0.0, 0.0, -a[0]], [0.0, 0.0, -a[1]], [a[0], a[1], 0.0]])
    if a[2] > -1.0 + 1e-6:
        rotation = np.eye(3) + cross + cross @ cross / (1.0 + a[2])
    else:
        rotation = np.diag([1.0, -1.0, -1.0])
    flipped = rotation * (1.0, 1.0, -1.0)
    return np.asarray(cv2.transform(normals, flipped), np.float32)


def encoded(normals: Vectors) -> NormalsImage:
    """Unit normals (..., 3) as an image within [0, 1]."""
    return ((normals + np.float32(1.0)) / np.float32(2.0)).clip(0.0, 1.0).astype(np.float16)
