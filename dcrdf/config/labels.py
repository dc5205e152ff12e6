"""What may be said of a run: whether it is as published, and whose preparation it has.

Both are taken from the options that result, and from the content of what is downloaded, so that no
way of writing a file can fake them.
"""

from collections.abc import Mapping
from typing import Any

from dcrdf.config.detectors import DETECTORS
from dcrdf.config.download import DTD, TORCHVISION_WEIGHTS, DownloadsOptions
from dcrdf.config.options import PrepareOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.resolve import resolve_layers
from dcrdf.config.resolved import Resolved, value_text

AS_PUBLISHED = "as published"
NOT_PUBLISHED = "not published"
LABELLED_SECTIONS = ("prepare", "pseudo", "teacher", "train", "infer", "options")
MACHINE_KEYS = frozenset(
    {"train.cpu_threads", "train.feature_cache_mb", "infer.cpu_threads", "infer.batch_size"}
)
"""What a machine can afford: no part of a method, and felt in the last digits at most."""


def preset_alone(detector: str, preset: str) -> Resolved:
    """What a detector's preset gives by itself, with what its publications took from elsewhere."""
    return resolve_layers(detector, preset, [DETECTORS[detector].outside_data])


def published_differences(resolved: Resolved, alone: Resolved) -> dict[str, Any]:
    """`SECTION.KEY` -> value where it is not what the run's `preset_alone` gives; of the keys that
    the detector reads, but `MACHINE_KEYS`."""
    return {
        key: resolved.value(key)
        for key in resolved.keys_read(LABELLED_SECTIONS)
        if key not in MACHINE_KEYS and resolved.value(key) != alone.value(key)
    }


def download_differences(resolved: Resolved, downloads: DownloadsOptions) -> dict[str, str]:
    """`downloads.KEY.hash` -> hash, where what a run downloads is not what the official hosts give;
    the address does not count."""
    found: dict[str, str] = {}
    teacher = resolved.teacher
    if teacher.weights == "torchvision":
        given, official = downloads.weights[teacher.name], TORCHVISION_WEIGHTS[teacher.name]
        if not given.hash.startswith(official.hash):
            found[f"downloads.weights.{teacher.name}.hash"] = given.hash
    reads_dtd = resolved.needs_variants and resolved.pseudo.textures == "dtd"
    if reads_dtd and downloads.textures.hash != DTD.hash:
        found["downloads.textures.hash"] = downloads.textures.hash
    return found


def run_label(by_category: Mapping[str, Resolved], downloads: DownloadsOptions) -> str:
    """A run's label from its options on every category: `as published`, `published but for
    train.epochs: 20` (with the categories, where it is so on some only), or `not published`."""
    one = next(iter(by_category.values()))
    note = one.info.published.get(one.preset)
    if note is None:
        return NOT_PUBLISHED
    alone = preset_alone(one.detector, one.preset)
    found: dict[str, list[str]] = {}
    for category, resolved in by_category.items():
        differences = published_differences(resolved, alone)
        for key, value in (differences | download_differences(resolved, downloads)).items():
            found.setdefault(f"{key}: {value_text(value)}", []).append(category)
    texts = [
        text if len(where) == len(by_category) else f"{text} ({', '.join(where)})"
        for text, where in found.items()
    ]
    label = f"published but for {', '.join(texts)}" if texts else AS_PUBLISHED
    return f"{label} ({note})" if note else label


def preparation_label(prepare: PrepareOptions) -> str:
    """The preset that a preparation is, or the nearest one and what differs from it:
    `house`, or `own: house but for image_size: 160`."""
    ours = dict(prepare)
    differences = {
        name: {
            key: value
            for key, value in PrepareOptions.parse(dict(values), f"preparation {name}")
            if value != ours[key]
        }
        for name, values in PREPARE_PRESETS.items()
    }
    name = min(differences, key=lambda name: len(differences[name]))
    texts = [f"{key}: {value_text(ours[key])}" for key in differences[name]]
    return f"own: {name} but for {', '.join(texts)}" if texts else name
