"""Other papers' preparations by name: each the `prepare` keys that make it.

A record holds the values, never the name: `{preset: crd}` and the same keys by hand share data.
"""

from collections.abc import Mapping
from typing import Any

PREPARE_PRESETS: Mapping[str, Mapping[str, Any]] = {"house": {}}
"""Preset name -> the keys of `prepare` that differ from the defaults."""
