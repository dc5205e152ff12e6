"""What cannot be exported, by name and reason."""

from dcrdf.errors import UserError
from dcrdf.models.model import Model


def refuse_unexportable(model: Model) -> None:
    """`UserError` for a model of which no graph gives the same scores."""
    scorer, name = model.scorer, model.description["detector"]
    reason = scorer.detector.options.unexportable()
    if reason:
        raise UserError(f"{name} cannot be exported: {reason}")
    if scorer.options.precision != "float32":
        raise UserError(
            f"infer.precision: {scorer.options.precision} cannot be exported: a graph computes in"
            " float32, and scores would be others; run `dcrdf infer` with float32"
        )
    if scorer.stand_ins is not None:
        raise UserError(
            f"infer.stand_ins: {scorer.options.stand_ins} cannot be exported: scans without a"
            " modality would need a graph of their own; run `dcrdf infer` with never"
        )
    if scorer.options.replace_unusual:
        raise UserError(
            "infer.replace_unusual cannot be exported: what replaces a modality would need a graph"
            " of its own; run `dcrdf infer` without it"
        )
    if scorer.calibration is None:
        raise UserError("a model without a calibration cannot be exported")
