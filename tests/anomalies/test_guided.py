import numpy as np
import pytest

from dcrdf.anomalies.guided import Guide, box_mean


def slow_mean(image, radius):
    padded = np.pad(image.astype(np.float64), radius, mode="symmetric")
    rows, columns = image.shape
    side = 2 * radius + 1
    return np.array(
        [[padded[i : i + side, j : j + side].mean() for j in range(columns)] for i in range(rows)]
    )


def slow_guided_filter(guide, image, radius, eps):
    """A linear fit image = a * guide + b in every window; the fits' mean at each pixel."""
    padded = [np.pad(x.astype(np.float64), radius, mode="symmetric") for x in (guide, image)]
    rows, columns = guide.shape
    side = 2 * radius + 1
    slope, offset = np.empty(guide.shape), np.empty(guide.shape)
    for i in range(rows):
        for j in range(columns):
            g, p = (x[i : i + side, j : j + side].ravel() for x in padded)
            slope[i, j] = np.mean((g - g.mean()) * (p - p.mean())) / (g.var() + eps)
            offset[i, j] = p.mean() - slope[i, j] * g.mean()
    return slow_mean(slope, radius) * guide + slow_mean(offset, radius)


@pytest.mark.parametrize(("radius", "eps"), [(4, 1e-3), (1, 1e-2), (2, 1.0)])
def test_equals_a_fit_in_every_window(radius, eps):
    rng = np.random.default_rng(radius)
    guide = rng.random((23, 31), dtype=np.float32)
    image = rng.standard_normal((23, 31), dtype=np.float32)
    fast = Guide.of(guide, radius, eps).filter(image)
    np.testing.assert_allclose(fast, slow_guided_filter(guide, image, radius, eps), atol=2e-5)


@pytest.mark.parametrize("where", [[0], [23 * 31 - 1], [40, 41, 75], [5, 400, 690]])
def test_a_few_pixels_are_filtered_as_in_the_whole_image(where):
    rng = np.random.default_rng(7)
    guide, image = (rng.random((23, 31), dtype=np.float32) for _ in range(2))
    prepared = Guide.of(guide, 3, 1e-2)
    whole = prepared.filter(image).ravel()
    np.testing.assert_allclose(
        prepared.filter_at(image, np.array(where)), whole[where], rtol=1e-5, atol=1e-6
    )


def test_box_mean_mirrors_at_the_border():
    image = np.random.default_rng(0).random((9, 12), dtype=np.float32)
    np.testing.assert_allclose(box_mean(image, 3), slow_mean(image, 3), rtol=1e-5)


def test_a_flat_guide_gives_two_box_means():
    image = np.random.default_rng(1).random((20, 20), dtype=np.float32)
    filtered = Guide.of(np.full((20, 20), 0.7, dtype=np.float32), 2, 1e-3).filter(image)
    np.testing.assert_allclose(filtered, slow_mean(slow_mean(image, 2), 2), atol=1e-4)


def test_an_edge_of_the_guide_survives():
    guide = np.zeros((32, 32), dtype=np.float32)
    guide[:, 16:] = 1.0
    noisy = guide + 0.1 * np.random.default_rng(2).standard_normal((32, 32), dtype=np.float32)
    filtered = Guide.of(guide, 4, 1e-3).filter(noisy)
    assert filtered[:, 15].mean() < 0.1
    assert filtered[:, 16].mean() > 0.9
    assert filtered[:, :12].std() < 0.5 * noisy[:, :12].std()
