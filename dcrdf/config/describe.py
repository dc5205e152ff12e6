"""The configuration's keys as a page: `python -m dcrdf.config.describe > docs/configuration.md`."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from dcrdf.config.closed import Closed
from dcrdf.config.detectors import DETECTORS
from dcrdf.config.download import DownloadsOptions
from dcrdf.config.options import CompareOptions, ReportOptions, SyntheticOptions
from dcrdf.config.prepare_presets import PREPARE_PRESETS
from dcrdf.config.schema import SECTIONS, DatasetOptions

INTRODUCTION = """# Configuration

One YAML file describes an experiment; `config.yaml` is the paper's, `workflow/demo.yaml` the demo.
The schema is closed: an unknown key, a wrong type or a value out of its range stops everything
before it starts and is named, and so does a path of scans, textures or weights that is not there.
Snakemake itself reads the file first: it refuses a file that is no YAML with exit code 1, in its
own words; `dcrdf plan FILE` names line and file.

Stage sections (`prepare`, `pseudo`, `teacher`, `train`, `infer`, `evaluate`, `robustness`) may
stand at the top level, in a run, and per category; the nearest wins: built-in default < the run's
preset < top level < `runs.RUN` < `overrides.CATEGORY` < `overrides.CATEGORY.runs.RUN`. A
detector's own keys stand under `options` of a run (or of `overrides.CATEGORY.runs.RUN`).

```yaml
train: {epochs: 150}
runs:
  full: {detector: dcrdf_net, preset: paper}
  slow: {detector: dcrdf_net, preset: paper, train: {learning_rate: 0.001}}
overrides:
  rope: {train: {epochs: 60}} # reruns rope only
```

Other top-level keys: `results` and `data` (folders), `seeds` (a list; one model per seed),
`dataset`, `downloads`, `runs`, `overrides`, `compare`, `report`.
"""

PREPARATIONS = """`prepare: {preset: NAME}` stands for the preparation of another paper, so that
its method can be run as published: `crd` and `crd_normals` (Crossmodal Reverse Distillation), `ast`
(Asymmetric Student-Teacher), `m3dm` (also BTF's), `cfm` (Crossmodal Feature Mapping); `house` is
ours. docs/method.md says what they do and where they cannot be used.
"""


def markdown() -> str:
    """The page."""
    parts = [INTRODUCTION, *_section("dataset", DatasetOptions)]
    parts += _section("dataset.synthetic", SyntheticOptions)
    parts += _section("downloads", DownloadsOptions)
    for name, model in SECTIONS.items():
        parts += _section(name, model)
        if name == "prepare":
            parts += [PREPARATIONS, *_presets(PREPARE_PRESETS)]
    parts += _section("compare", CompareOptions)
    parts += _section("report", ReportOptions)
    for name, info in DETECTORS.items():
        parts += _section(f"options of detector {name}", info.options)
        parts += _presets(
            {
                preset: {
                    f"{section}.{key}": value
                    for section, values in sections.items()
                    for key, value in values.items()
                }
                for preset, sections in info.presets.items()
            }
        )
    return "\n".join(parts)


def _presets(presets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "| preset | sets |\n|---|---|"
    for preset, values in presets.items():
        shown = ", ".join(f"`{key}: {_plain(value)}`" for key, value in values.items())
        yield f"| `{preset}` | {shown or 'the defaults'} |"
    yield ""


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
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
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
