"""The configuration's keys as a page: `python -m dcrdf.config.describe > docs/configuration.md`."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from dcrdf.config.closed import Closed
from dcrdf.config.detectors import DETECTORS, DetectorInfo
from dcrdf.config.download import DownloadsOptions
from dcrdf.config.layouts import READERS
from dcrdf.config.options import CompareOptions, ReportOptions, SyntheticOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.schema import SECTIONS, DatasetOptions, TermsOptions

INTRODUCTION = """# Configuration

One YAML file describes an experiment; `config.yaml` is the paper's, `workflow/demo.yaml` the demo.
The schema is closed: an unknown key, a wrong type or a value out of its range stops everything
before it starts and is named, and so does a path of scans, textures or weights that is not there.
Snakemake itself reads the file first: it refuses a file that is no YAML with exit code 1, in its
own words; `dcrdf plan FILE` names line and file.

Stage sections (`prepare`, `pseudo`, `teacher`, `train`, `infer`, `evaluate`, `robustness`) may
stand at the top level, in a run, and per category; the nearest wins: built-in default < the run's
preset < top level < `terms.NAME` < `runs.RUN` < `overrides.CATEGORY` <
`overrides.CATEGORY.runs.RUN`. A detector's own keys stand under `options` of a run (or of
`overrides.CATEGORY.runs.RUN`).

```yaml
train: {epochs: 150}
runs:
  full: {detector: dcrdf_net, preset: paper}
  slow: {detector: dcrdf_net, preset: paper, train: {learning_rate: 0.001}}
overrides:
  rope: {train: {epochs: 60}} # reruns rope only
```

Other top-level keys: `results` and `data` (folders), `seeds` (a list; one model per seed),
`dataset`, `downloads`, `terms`, `runs`, `overrides`, `compare`, `report`.

**Terms** are named stage sections that runs share by saying `terms: NAME`. With `equal: true` the
runs are held to them: where two differ in a key of `prepare`, `teacher`, `train`, `infer` or
`evaluate` that both read, nothing starts and the key is named. What a detector declares as part of
its method (its *own terms*, below) may differ.

```yaml
terms:
  fair:
    equal: true
    prepare: {preset: house, image_size: 160}
    train: {epochs: 20, batch_size: 8}
    infer: {blur_sigma_px: 2.5}
runs:
  plain: {detector: dcrdf_net, preset: dual_rd, terms: fair}
  bank: {detector: memory_bank, preset: default, terms: fair}
```

**A preparation by name**, `prepare: {preset: NAME}` in any of these places, stands for the keys of
a whole preparation and drops what `prepare` says further out, so that nothing bends it unseen. Keys
beside it and nearer ones change it.

**Labels**: tables, page and manifest say of every run whether it is *as published*: with all that
its detector reads in `prepare`, `pseudo`, `teacher`, `train`, `infer` and `options` as a
publication's preset has it, whatever is written where, and with weights and textures of the
official content. Otherwise they name what differs (*published but for train.epochs: 20*); what a
machine can afford (CPU threads, feature cache, batches of scoring) does not count. Presets of our
own are *not published*. `dcrdf plan FILE` prints every run's label, and its preparation's name or
what differs from the nearest one.
"""

PREPARE_PRESET = """`preset: NAME` stands for the keys of a whole preparation and drops all keys of
`prepare` that stand further out; keys beside it and nearer ones change it.
"""

PREPARATIONS = """`crd` and `crd_normals` (Crossmodal Reverse Distillation), `ast` (Asymmetric
Student-Teacher), `m3dm` (also BTF's) and `cfm` (Crossmodal Feature Mapping) prepare as the papers'
code does, so that a method runs as published; `house` is ours. docs/method.md says what they do and
where they cannot be used.
"""


def markdown() -> str:
    """The page."""
    parts = [INTRODUCTION, *_section("dataset", DatasetOptions)]
    for layout, reader in READERS.items():
        parts += _section(f"dataset.reader of layout {layout}", reader)
    parts += _section("dataset.synthetic", SyntheticOptions)
    parts += _section("downloads", DownloadsOptions)
    parts += _section("terms.NAME", TermsOptions)
    for name, model in SECTIONS.items():
        parts += _section(name, model)
        if name == "prepare":
            parts += [PREPARE_PRESET, PREPARATIONS]
            parts += _presets({preset: {name: keys} for preset, keys in PREPARE_PRESETS.items()})
    parts += _section("compare", CompareOptions)
    parts += _section("report", ReportOptions)
    for name, info in DETECTORS.items():
        parts += _section(f"options of detector {name}", info.options)
        parts += _presets(info.presets)
        parts += _declared(info)
    return "\n".join(parts)


def _presets(presets: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    yield "| preset | sets |\n|---|---|"
    for preset, sections in presets.items():
        yield f"| `{preset}` | {_keys(sections) or 'the defaults'} |"
    yield ""


def _keys(sections: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(
        f"`{section}.{key}: {_plain(value)}`"
        for section, values in sections.items()
        for key, value in values.items()
    )


def _declared(info: DetectorInfo) -> Iterator[str]:
    """What is published, and what may differ on equal terms."""
    names = [f"`{name}`" + (f" ({note})" if note else "") for name, note in info.published.items()]
    beside = f", with {_keys(info.outside_data)}" if info.outside_data else ""
    yield f"Published: {', '.join(names) or 'none'}{beside}.\n"
    options = info.options()
    fusions = sorted({name for maps in options.maps() for name in options.fusions(maps)})
    yield f"Offers `infer.maps`: {', '.join(f'`{x}`' for x in sorted(options.maps()))}.\n"
    yield f"Offers `infer.fusion`: {', '.join(f'`{x}`' for x in fusions)}.\n"
    teachers = options.teachers()
    shown = "all" if teachers is None else ", ".join(f"`{x}`" for x in sorted(teachers))
    yield f"Learns from `teacher.name`: {shown}.\n"
    yield f"Own terms: {', '.join(f'`{key}`' for key in sorted(info.own_terms)) or 'none'}.\n"


MERELY_ABSURD = 1e6
"""Limits from here on stop slips of the pen; nobody needs to know them."""


def _section(title: str, model: type[Closed]) -> Iterator[str]:
    yield f"## `{title}`\n"
    yield f"{inspect.cleandoc(model.__doc__ or '')}\n"
    yield "| key | default | allowed |\n|---|---|---|"
    properties = model.model_json_schema(mode="validation")["properties"]
    for name, field in model.model_fields.items():
        default = (
            "required"
            if field.is_required()
            else f"`{_plain(field.get_default(call_default_factory=True))}`"
        )
        yield f"| `{name}` | {_short(default)} | {_allowed(properties[name])} |"
    yield ""


def _plain(value: Any) -> str:
    if isinstance(value, Closed):
        return "see there"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _short(text: str) -> str:
    return text if len(text) <= 60 else "see there"


def _allowed(schema: dict[str, Any]) -> str:
    named = [schema["const"]] if "const" in schema else schema.get("enum")
    if named:
        return ", ".join(f"`{value}`" for value in named)
    if "anyOf" in schema:
        return " or ".join(_allowed(part) for part in schema["anyOf"])
    if "$ref" in schema or schema.get("type") == "object":
        return "keys of its own"
    if "prefixItems" in schema:
        return "list: " + ", ".join(_allowed(part) for part in schema["prefixItems"])
    if schema.get("type") == "array":
        least = "one or more of" if schema.get("minItems") else "list of"
        return f"{least} {_allowed(schema['items'])}"
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [
        f"{sign} {schema[key]:g}"
        for key, sign in limits.items()
        if key in schema and abs(schema[key]) < MERELY_ABSURD
    ]
    if "multipleOf" in schema:
        bounds.append(f"multiple of {schema['multipleOf']}")
    return " ".join([schema.get("type", "nothing").replace("null", "nothing"), *bounds])


if __name__ == "__main__":
    print(markdown(), end="")
