"""Other papers' preparations by name: each the `prepare` keys that make it.

A record holds the values, never the name: `{preset: crd}` and the same keys by hand share data.
Facts: hito2448/TRD 1709103 (`crd`, `crd_normals`), AST 8c243ad (`ast`), M3DM 62b7f46 (`m3dm`),
CFM 63288af (`cfm`).
"""

from collections.abc import Mapping
from typing import Any

_OFF_PLANE: Mapping[str, Any] = {
    "mode": "part",
    "foreground": "off_plane",
    "foreground_sigmas": 0.0,
    "depth": "z",
}
_CRD: Mapping[str, Any] = {
    **_OFF_PLANE,
    "plane": "three_corners",
    "foreground_min_mm": 5.0,
    "foreground_clean": "close",
    "background": "zero",
    "normalise": "image_range",
    "fill": "neighbour_mean",
    "fill_at": "normalised",
    "resize_colour": "triangle",
    "resize_truth": "half",
}
_CFM: Mapping[str, Any] = {
    **_OFF_PLANE,
    "image_size": 224,
    "resize": "letterbox",
    "plane_inlier_mm": 4.0,
    "foreground_min_mm": 5.0,
    "foreground_clean": "largest",
    "background": "zero",
    "fill": "none",
    "resize_surface": "nearest",
    "resize_colour": "cubic",
    "pad": "edge",
}

PREPARE_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "house": {},
    "crd": {**_CRD, "resize_first": True},
    "crd_normals": {
        **_CRD,
        "resize_surface": "bilinear",
        "image_range": [0.0, 1.0],
        "surface": "normals",
        "normals": "sobel",
    },
    "ast": {
        **_OFF_PLANE,
        "image_size": 768,
        "plane": "four_corners",
        "foreground_min_mm": 7.0,
        "foreground_clean": "none",
        "background": "part_mean",
        "normalise": "image_mean",
        "fill": "neighbour_mean",
        "fill_rounds": 3,
        "fill_at": "raw",
        "resize_surface": "bilinear",
        "resize_colour": "triangle",
        "resize_truth": "any",
    },
    "m3dm": {**_CFM, "pad": "zero", "pad_multiple": 100, "colour_background": "black"},
    "cfm": _CFM,
}
"""Preset name -> the keys of `prepare` that differ from the defaults."""
