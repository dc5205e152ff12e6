"""A configuration's values -> all options of every run on every category: defaults, presets, terms
and overrides merged, and refused where a detector does not offer what they ask."""

import math
from collections.abc import Sequence
from typing import Any

from dcrdf.config.detectors import DETECTORS, DetectorOptions
from dcrdf.config.given_normals import check_given_normals
from dcrdf.config.layers import Layer, layers_of, merged
from dcrdf.config.options import InferOptions, PrepareOptions, TeacherOptions
from dcrdf.config.partials import check_partials
from dcrdf.config.prepare_options import IMAGE_SIDE_STEP_PX
from dcrdf.config.resolved import Resolved
from dcrdf.config.schema import SECTIONS, Config
from dcrdf.config.teachers import TEACHERS
from dcrdf.config.terms import check_terms
from dcrdf.errors import UserError
from dcrdf.modalities import MODALITIES


def parse_config(values: dict[str, Any]) -> Config:
    """Validate a whole configuration, every run on every category; raise `UserError`."""
    config = Config.parse(values, "")
    check_partials(config)
    for key, names in config.compare.named.items():
        unknown = [name for name in names if name not in config.runs]
        if unknown:
            known = ", ".join(config.runs)
            raise UserError(f"config: compare.{key}: no run {unknown[0]!r}; runs: {known}")
    resolved = {
        (run, category): resolve(config, run, category)
        for run in config.runs
        for category in config.dataset.categories
    }
    check_terms(config, resolved)
    return config


def resolve(config: Config, run: str, category: str) -> Resolved:
    """Merge default < preset < top level < terms < run < category < run within category."""
    chosen, where = config.runs[run], f" (runs.{run} on {category})"
    layers = layers_of(config, run, category)
    resolved = resolve_layers(chosen.detector, chosen.preset, layers, where)
    check_given_normals(resolved, config.dataset.layout, where)
    return resolved


def resolve_layers(
    detector: str, preset: str, layers: Sequence[Layer], where: str = ""
) -> Resolved:
    """Merge `layers` over a detector's preset; `where` ends the places that errors name."""
    info = DETECTORS[detector]
    every: list[Layer] = [info.presets[preset], *layers]
    sections: dict[str, Any] = {
        name: model.parse(merged(name, every), f"{name}{where}") for name, model in SECTIONS.items()
    }
    options = info.options.parse(merged("options", every), f"options{where}")
    _check_offered(sections["infer"], options, detector, where)
    _check_prepared(sections["prepare"], options, detector, where)
    _check_teacher(sections["teacher"], sections["prepare"].image_size, options, detector, where)
    return Resolved(detector, preset, info, options, **sections)


def _check_prepared(
    prepare: PrepareOptions, options: DetectorOptions, detector: str, where: str
) -> None:
    """Refuse prepared data that the detector cannot learn from."""
    if prepare.surface not in options.surfaces():
        raise UserError(
            f"config: prepare.surface{where}: {detector} takes"
            f" {', '.join(sorted(options.surfaces()))}, not {prepare.surface!r}"
        )
    if "variants" in options.needs() and not prepare.allows_pseudo_anomalies:
        raise UserError(
            f"config: prepare{where}: {detector} trains with pseudo-anomalies, which change"
            " heights on the category's scale; set prepare.surface: height and prepare.normalise"
            " to category or image_range, or train without them"
        )


def _check_offered(
    infer: InferOptions, options: DetectorOptions, detector: str, where: str
) -> None:
    """Refuse maps, fusions and orientations that the detector does not have."""
    if infer.maps not in options.maps():
        raise UserError(
            f"config: infer.maps{where}: {infer.maps!r} is not offered by {detector};"
            f" allowed: {', '.join(sorted(options.maps()))}"
        )
    allowed = options.fusions(infer.maps)
    if infer.fusion not in allowed:
        raise UserError(
            f"config: infer.fusion{where}: {infer.fusion!r} is not offered by {detector} with these"
            f" options and infer.maps: {infer.maps}; allowed: {', '.join(sorted(allowed))}"
        )
    if infer.stand_ins == "always" and not options.stands_in():
        raise UserError(
            f"config: infer.stand_ins{where}: {detector} has nothing stand in for an absent"
            " modality with these options; leave it out"
        )
    if infer.replace_unusual and set(options.branches()) != set(MODALITIES):
        raise UserError(
            f"config: infer.replace_unusual{where}: {detector} has no map of each modality alone;"
            " leave it out"
        )
    if infer.orientations > 1 and not options.augments():
        key = options.augmented_by and f", or set options.{options.augmented_by}"
        raise UserError(
            f"config: infer.orientations{where}: {detector} learns images as they are; set it to"
            f" 1{key}"
        )


def _check_teacher(
    teacher: TeacherOptions, side_px: int, options: DetectorOptions, detector: str, where: str
) -> None:
    """Refuse a teacher that the detector cannot learn from, and images that do not fit the two."""
    allowed = options.teachers()
    if allowed is not None and teacher.name not in allowed:
        raise UserError(
            f"config: teacher.name{where}: {teacher.name!r} is not offered by {detector};"
            f" allowed: {', '.join(sorted(allowed))}"
        )
    step_px = options.side_step_px(TEACHERS[teacher.name].strides)
    if side_px % step_px or side_px < 2 * step_px:  # of a single place no batch norm is learnt
        common_px = math.lcm(step_px, IMAGE_SIDE_STEP_PX)
        least_px = common_px * math.ceil(2 * step_px / common_px)
        raise UserError(
            f"config: prepare.image_size{where}: {side_px} does not suit {detector} with"
            f" teacher.name: {teacher.name}; set it to a multiple of {common_px} from {least_px} on"
        )
