import numpy as np
import pytest

from dcrdf.anomalies.texture_weight import texture_weight


def slow_texture_weight(rgb, foreground):
    """By loops: Sobel magnitude and 7 x 7 deviation of the luminance, standardised, sigmoid."""
    grey = np.rint(rgb.astype(np.float64) @ [0.299, 0.587, 0.114])
    rows, columns = grey.shape
    padded = np.pad(grey, 3, mode="reflect")
    texture = np.empty(grey.shape)
    for i in range(rows):
        for j in range(columns):
            near = padded[i + 2 : i + 5, j + 2 : j + 5]
            across = (near[:, 2] - near[:, 0]) @ [1, 2, 1] / 8
            down = (near[2] - near[0]) @ [1, 2, 1] / 8
            texture[i, j] = np.hypot(across, down) + padded[i : i + 7, j : j + 7].std()
    standard = (texture - texture[foreground].mean()) / texture[foreground].std()
    return 1.0 / (1.0 + np.exp(-standard))


def test_equals_loops_inside_the_image(clean_of):
    rgb, _, foreground = clean_of(48, 3, "disc")
    fast = texture_weight(rgb, foreground)
    inner = (slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(fast[inner], slow_texture_weight(rgb, foreground)[inner], atol=0.01)


def test_a_part_without_texture_has_one_half_everywhere():
    rgb = np.full((32, 32, 3), 140, dtype=np.uint8)
    weight = texture_weight(rgb, np.ones((32, 32), dtype=bool))
    np.testing.assert_allclose(weight, 0.5)


def test_texture_weighs_more_than_smooth_surface(clean_of):
    rgb, _, foreground = clean_of(96, 0, "field")
    rgb = rgb.copy()
    rgb[:, :48] = 120
    weight = texture_weight(rgb, foreground)
    assert weight[:, :40].mean() < 0.35
    assert weight[:, 56:].mean() > 0.6


def test_only_the_foreground_sets_the_scale(clean_of):
    rgb, _, foreground = clean_of(96, 0, "disc")
    weight = texture_weight(rgb, foreground)
    louder = rgb.copy()
    louder[:10] = np.random.default_rng(0).integers(0, 256, (10, 96, 3))
    inside = foreground.copy()
    inside[:18] = False
    np.testing.assert_allclose(
        texture_weight(louder, foreground)[inside], weight[inside], rtol=1e-5
    )
    assert weight[foreground].mean() == pytest.approx(0.5, abs=0.05)
