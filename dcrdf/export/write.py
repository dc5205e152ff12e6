"""An exported model's folder: graph, description, golden pair and a script that needs no dcrdf."""

import json
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import torch

from dcrdf.errors import UserError
from dcrdf.export.onnx_graph import OPSET, example_of, write_graph
from dcrdf.export.proof import TOLERANCE, prove
from dcrdf.export.refusals import refuse_unexportable
from dcrdf.files.atomic import replacing_folder
from dcrdf.files.digests import sha256_of_file
from dcrdf.files.jsonfile import write_json
from dcrdf.judging.description import EXPORT_FORMAT, EXPORTED
from dcrdf.judging.thresholds import SET_THRESHOLDS
from dcrdf.modalities import FUSED
from dcrdf.models.model import Model
from dcrdf.runtime.bundle import GRAPH, INPUTS, SCRIPT, inputs_of, write_golden
from dcrdf.runtime.exported import ExportedModel
from dcrdf.tensors.scans import Scans


def export(model: Model, folder: Path, out: Path, validation: Scans) -> dict[str, Any]:
    """Write the model that lies in `folder` as an exported one into the new folder `out`; the
    proof, as its description has it. Raises `UserError`, with nothing written, for a model that
    cannot be exported and where scores differ."""
    refuse_unexportable(model)
    given = inputs_of(validation)
    with replacing_folder(out) as aside:
        write_graph(aside / GRAPH, model.scorer, example_of(given), _metadata(model))
        description = _description(model, aside / GRAPH)
        write_json(aside / EXPORTED, description)
        _copy_set_thresholds(folder, aside)
        exported = ExportedModel(aside)
        proof = prove(model, exported, validation)
        one = {name: x[:1] for name, x in given.items()}
        write_golden(aside, one, exported.run(one))
        script = resources.files("dcrdf.export").joinpath(SCRIPT_SOURCE).read_text("utf-8")
        (aside / SCRIPT).write_text(script, encoding="utf-8")
        write_json(aside / EXPORTED, {**description, "proof": proof})
    return proof


SCRIPT_SOURCE = "score_without_dcrdf.py"


def _metadata(model: Model) -> dict[str, str]:
    """Text in the graph's file: what decides, for whoever has nothing else."""
    limits = model.thresholds[FUSED]
    return {
        "threshold": repr(float(limits["threshold"])),
        "map_median": repr(float(limits["map_median"])),
        "detector": str(model.description["detector"]),
        "preparation": json.dumps(model.description["preparation"], sort_keys=True),
    }


def _description(model: Model, graph: Path) -> dict[str, Any]:
    trained = model.description
    kept = ("detector", "preparation", "thresholds", "category", "stage", "infer", "weights_sha256")
    scoring = trained["scoring"]
    return {
        **{name: trained[name] for name in kept if name in trained},
        "good_validation": trained.get("good_validation", {}),
        "usual_scans": scoring.get("usual_scans"),
        "branches": list(model.scorer.detector.options.branches()),
        "cpu_threads": model.scorer.options.cpu_threads,
        "scoring": {"options": scoring["options"]},
        "format": EXPORT_FORMAT,
        "graph_sha256": sha256_of_file(graph),
        "opset": OPSET,
        "inputs": {name: ": ".join(said) for name, said in INPUTS.items()},
        "outputs": {
            "map_NAME": "float32 (B, S, S), larger where a place is less like good parts",
            "score_NAME": "float32 (B,); score_fused above the threshold is defective",
            "unusual_NAME": "float32 (B,), how unlike good scans a modality is as a whole, from 1",
        },
        "score_tolerance": TOLERANCE,
        "made_with": {"dcrdf": metadata.version("dcrdf"), "torch": str(torch.__version__)},
    }


def _copy_set_thresholds(folder: Path, out: Path) -> None:
    path = folder / SET_THRESHOLDS
    if path.exists():
        try:
            (out / SET_THRESHOLDS).write_bytes(path.read_bytes())
        except OSError as error:
            raise UserError(f"{path}: cannot read: {error.strerror or error}") from None
