"""Orientations of images, and which of them good parts show by themselves."""

import numpy as np
import pytest
import torch

from dcrdf.tensors.orientation import (
    NATURAL_RATIO,
    ORIENTATIONS,
    descriptor,
    natural_orientations,
    orientation_ratios,
    oriented,
    oriented_surface,
    some_of,
    turned,
    turned_back,
    turned_normals,
)


def test_orientations_are_the_eight_symmetries_of_the_square():
    image = np.arange(9).reshape(1, 3, 3)
    all_eight = {oriented(image, np.array([k])).tobytes() for k in range(ORIENTATIONS)}
    assert len(all_eight) == 8
    transposed = image.transpose(0, 2, 1).copy()
    assert transposed.tobytes() in all_eight
    np.testing.assert_array_equal(oriented(image, np.array([0])), image)


def test_each_image_gets_its_own_and_channels_stay():
    images = np.random.default_rng(0).integers(0, 255, (3, 4, 4, 3), np.uint8)
    turned = oriented(images, np.array([0, 1, 4]))
    np.testing.assert_array_equal(turned[0], images[0])
    np.testing.assert_array_equal(turned[1], np.rot90(images[1]))
    np.testing.assert_array_equal(turned[2], images[2, :, ::-1])


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_tensors_turn_as_arrays_do_and_back(orientation):
    images = np.random.default_rng(0).random((2, 5, 5))
    expected = oriented(images, np.full(2, orientation))
    shown = turned(torch.from_numpy(images), orientation)
    np.testing.assert_array_equal(shown.numpy(), expected)
    np.testing.assert_array_equal(turned_back(shown, orientation).numpy(), images)


@pytest.fixture
def normals():
    """Encoded unit normals (2, 6, 6, 3); at one pixel there is none."""
    vectors = np.random.default_rng(0).normal(size=(2, 6, 6, 3)) * (1, 1, 0.2)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    images = ((vectors + 1) / 2).astype(np.float16)
    images[0, 0, 0] = 0.0
    return images


def normal_shown(image, at, orientation):
    """Where a pixel of a square image comes to lie, and its normal there: rows mirrored from 4 on,
    then quarter turns to the left, which take what points to the right upwards."""
    side, (row, column) = len(image), at
    x, y, z = 2.0 * image[at].astype(np.float64) - 1.0
    if orientation >= 4:
        column, x = side - 1 - column, -x
    for _ in range(orientation % 4):
        row, column = side - 1 - column, row
        x, y = y, -x
    return (row, column), (x, y, z)


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_normals_turn_with_their_pixels(normals, orientation):
    found = oriented_surface(normals, np.array([orientation, 0]))
    for at in ((1, 2), (4, 5), (3, 0)):
        place, vector = normal_shown(normals[0], at, orientation)
        np.testing.assert_allclose(2.0 * found[0][place] - 1.0, vector, atol=2e-3)
    np.testing.assert_array_equal(found[1], normals[1].astype(np.float32))
    of_tensors = turned_normals(torch.from_numpy(normals).permute(0, 3, 1, 2).float(), orientation)
    np.testing.assert_array_equal(of_tensors[0].permute(1, 2, 0).numpy(), found[0])


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_what_is_black_has_no_normal_and_stays_black(orientation):
    """A preparation that takes the background out leaves it without normals."""
    normals = np.random.default_rng(0).uniform(0.1, 0.9, (1, 6, 6, 3)).astype(np.float16)
    normals[:, :2] = 0.0
    shown = oriented_surface(normals, np.array([orientation]))
    black = oriented((normals == 0.0).all(axis=-1), np.array([orientation]))
    np.testing.assert_array_equal((shown == 0.0).all(axis=-1), black)
    assert (shown[~black] > 0.0).all()


def test_some_orientations_come_in_the_order_of_the_spread():
    assert some_of(range(ORIENTATIONS), 1) == [0]
    assert some_of([0, 2, 6], 2) == [0, 2]
    assert some_of([0, 2, 6], 8) == [0, 2, 6]
    assert sorted(some_of(range(ORIENTATIONS), 8)) == list(range(ORIENTATIONS))


def parts(draw, count=24, size=64):
    """Images as if they were features: (O, N, D) descriptors of `draw(generator)` arrays."""
    generator = np.random.default_rng(1)
    images = np.stack([draw(generator, size) for _ in range(count)])
    turned = [oriented(images, np.full(count, k)) for k in range(ORIENTATIONS)]
    features = [torch.from_numpy(np.stack([x, 1 - x], axis=1)).float() for x in turned]
    return torch.stack([descriptor(x) for x in features])


def bar(generator, size, angle=0.0):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2 + generator.normal(0, 1.5, (2, 1, 1))
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle) + y * np.cos(angle)
    shape = (np.abs(across) < 6) & (np.abs(along) < 24) & ~((along > 10) & (across > 0))
    return shape + 0.02 * generator.random((size, size))


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (bar, {0}),
        (lambda g, s: bar(g, s, g.choice([0, np.pi])), {0, 2}),
        (lambda g, s: bar(g, s, g.choice(4) * np.pi / 2), {0, 1, 2, 3}),
    ],
    ids=["fixed", "turned by half", "any quarter"],
)
def test_natural_orientations_of_bars(draw, expected):
    ratios = orientation_ratios(parts(draw))
    assert ratios[0] == 1.0
    assert set(natural_orientations(ratios[None]).tolist()) == expected


def test_an_orientation_must_be_natural_in_every_modality():
    low, high = NATURAL_RATIO - 0.1, NATURAL_RATIO + 0.1
    ratios = np.array([[1, low, high, low], [1, low, low, high]])
    assert natural_orientations(ratios).tolist() == [0, 1]
