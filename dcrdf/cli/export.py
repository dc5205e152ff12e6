"""Export a model as an ONNX graph that needs no torch; `predict`, `watch`, `dcrdf.load` take it.

OUT holds the graph (prepared scans in; maps, scores and how unusual each modality is out; fusion
and calibration included), preparation and thresholds as JSON, a golden input with its output, and
score.py, which scores prepared scans with numpy and onnxruntime alone. Validation scans must get
the scores that the trained model gives them (within 1e-4) and the same verdicts; otherwise nothing
is written. It takes minutes.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcrdf.cli.judging import folder_of
from dcrdf.errors import UserError

if TYPE_CHECKING:
    from dcrdf.models.model import Model
    from dcrdf.tensors.scans import Scans


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf export`."""
    parser.add_argument("model", type=Path, help="a job's folder or its `model` folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument(
        "--prepared", type=Path, metavar="FILE",
        help="the category's prepared HDF5 file (default: where the workflow keeps it)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    """Export, or refuse."""
    import onnxruntime  # noqa: F401 - before minutes of work
    import onnxscript  # noqa: F401 - torch's exporter needs it, and would say so in another way

    from dcrdf.export.refusals import refuse_unexportable
    from dcrdf.export.write import export
    from dcrdf.judging.description import is_exported
    from dcrdf.models.model import Model

    folder = folder_of(args.model)
    if is_exported(folder):
        raise UserError(f"{folder}: exported already; give the trained model")
    if args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        raise UserError(f"{args.out}: is already there; remove it or choose another folder")
    model = Model(folder, "cpu")
    refuse_unexportable(model)
    validation = _validation(args.prepared or _usual_place(folder, model.description), model)
    proof = export(model, folder, args.out, validation)
    found = proof["largest_relative_difference_of_scores"]
    print(
        f"{args.out}: {proof['validation_scans']} validation scans get the same verdicts; scores"
        f" differ by {found:.2g} at most; `python {args.out / 'score.py'}` tests it where it runs"
    )


def _validation(path: Path, model: "Model") -> "Scans":
    """The validation scans that the model was calibrated on."""
    from dcrdf.preparation.store import open_prepared
    from dcrdf.tensors.prepared import scans_of_split

    with open_prepared(path) as prepared:
        if prepared.input_digest != model.description["preparation"]["input_digest"]:
            raise UserError(f"{path}: made from other scans than the model")
        prepared.require_record(_made_from(model.description))
        validation = scans_of_split(prepared.split("validation"))
    if not len(validation):
        raise UserError(f"{path}: no validation scans to compare scores on")
    return validation


def _usual_place(folder: Path, description: dict[str, Any]) -> Path:
    """RESULTS/prepared/CATEGORY-DIGEST.h5 beside RESULTS/RUN/CATEGORY/seedN/model."""
    name = f"{description.get('category')}-{_made_from(description)}.h5"
    for results in folder.resolve().parents[1:5]:
        if (results / "prepared" / name).is_file():
            return results / "prepared" / name
    raise UserError(f"{folder}: its prepared scans ({name}) were not found; give --prepared FILE")


def _made_from(description: dict[str, Any]) -> str:
    try:
        return str(description["stage"]["upstream"]["prepare"])
    except (KeyError, TypeError):
        raise UserError("the model's description does not say which scans it learnt") from None
