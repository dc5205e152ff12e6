"""Fit a detector to a category's good training samples; goes on where it was interrupted."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dcrdf.cli.common import (
    add_device_argument,
    add_force_argument,
    add_stage_arguments,
    refuse_other_settings,
    stage_of,
)
from dcrdf.cli.device import claim_gpu
from dcrdf.config.detectors import DETECTORS
from dcrdf.config.options import TeacherOptions, TrainOptions
from dcrdf.config.stages import Stage, digest_of_record
from dcrdf.errors import UserError

if TYPE_CHECKING:
    from dcrdf.networks.teacher import Teacher
    from dcrdf.tensors.scans import Scans
    from dcrdf.training.twins import PseudoAnomalies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf train`."""
    add_stage_arguments(parser, by_run=True)
    parser.add_argument("--prepared", type=Path, required=True, help="the prepared HDF5 file")
    parser.add_argument(
        "--variants", type=Path, help="the pseudo-anomaly cache, where it is needed"
    )
    parser.add_argument("--teacher-weights", type=Path, help="weight file (not for `package`)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    add_force_argument(parser)
    add_device_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Train, then write the detector and its loss table."""
    stage = stage_of(args, "train")
    if stage.options["detector"] not in DETECTORS:
        raise UserError(f"--stage: no detector {stage.options['detector']!r}; see `dcrdf plan`")
    detector_options = DETECTORS[stage.options["detector"]].options.parse(
        stage.options["options"], "options"
    )
    train_options = TrainOptions.parse(stage.options["train"], "train")
    _keep_other_model(args.out, stage, force=args.force)
    claim_gpu(args.device)

    from dcrdf.detectors.base import build_detector
    from dcrdf.files.digests import seed_of
    from dcrdf.files.locks import only_writer
    from dcrdf.models.checkpoint import save_detector
    from dcrdf.networks.teacher_weights import weights_identity
    from dcrdf.tensors.device import choose_device, make_repeatable
    from dcrdf.training.log import write_loss_table
    from dcrdf.training.loop import STATES, FitContext

    samples, preparation, category = _training_scans(
        args.prepared, stage, points=detector_options.needs_points()
    )
    variants, pseudo = _variants(args.variants, stage, args.prepared)
    seed = seed_of("train", category, stage.options["seed"]) % 2**63
    make_repeatable(seed, train_options.cpu_threads, with_gradients=True)
    teacher = _teacher(stage, args.teacher_weights)
    detector = build_detector(stage.options["detector"], teacher, detector_options)
    device = choose_device(args.device)
    resumed: list[int] = []

    def announce_resumed(done: int, epochs: int) -> None:
        resumed.append(done)
        print(f"goes on at epoch {done + 1} of {epochs}, from a saved state", flush=True)

    context = FitContext(
        args.out, seed, stage.to_json(), train_options, device, _announce, announce_resumed, _say
    )
    with only_writer(args.out):
        detector.fit(samples, variants, context)
        write_loss_table(context.losses, args.out / "losses.csv")
        description: dict[str, Any] = {
            "stage": stage.to_dict(),
            "category": category,
            "preparation": preparation,
            "pseudo": pseudo,
            "trained_on": {
                **_made_on(device, is_whole=not resumed),
                "teacher": weights_identity(_weights_of(stage, args.teacher_weights)),
            },
        }
        save_detector(args.out, detector, stage.options["detector"], description)
        for state in args.out.glob(STATES):
            state.unlink()
    print(f"{args.out}: trained, {description['trained_on']['peak_memory_mb']} MB at most")


def _made_on(device: Any, *, is_whole: bool) -> dict[str, Any]:
    """Machine, code and software, peak memory and, unless it was resumed, the time it took."""
    from dcrdf.results.machine import code_version, machine, software_versions
    from dcrdf.tensors.memory import peak_memory_mb

    return {
        "device": device.type,
        "peak_memory_mb": peak_memory_mb(device),
        "cpu_s": round(time.process_time(), 1) if is_whole else None,
        **machine(),
        "code": code_version(),
        "software": software_versions(),
    }


def _keep_other_model(folder: Path, stage: Stage, *, force: bool) -> None:
    """A finished model of other settings is refused; an unfinished training has no description."""
    path = folder / "detector.json"
    if path.is_file():
        from dcrdf.files.jsonfile import read_json

        description = read_json(path)
        found = description.get("stage") if isinstance(description, dict) else None
        refuse_other_settings(folder, found, stage.to_dict(), force=force)


def _training_scans(
    path: Path, stage: Stage, *, points: bool
) -> "tuple[Scans, dict[str, Any], str]":
    from dcrdf.preparation.store import open_prepared
    from dcrdf.tensors.prepared import scans_of_split

    with open_prepared(path) as prepared:
        prepared.require_record(stage.upstream["prepare"])
        samples = scans_of_split(prepared.split("train"), points=points)
        preparation = {
            "options": prepared.options.record(),
            "constants": prepared.constants.to_dict(),
            "input_digest": prepared.input_digest,
        }
        return samples, preparation, prepared.category


def _variants(
    path: Path | None, stage: Stage, prepared: Path
) -> "tuple[PseudoAnomalies | None, dict[str, Any] | None]":
    """The variants and the options they were made with; None where the run needs none."""
    if "pseudo" not in stage.upstream:
        return None, None
    if path is None:
        raise UserError("--variants: this run trains with pseudo-anomalies; give their cache")
    from dcrdf.anomalies.cache import open_variants
    from dcrdf.preparation.store import open_prepared
    from dcrdf.training.twins import PseudoAnomalies

    with open_variants(path) as variants, open_prepared(prepared) as source:
        variants.require_made_from(source)
        if digest_of_record(variants.stage) != stage.upstream["pseudo"]:
            raise UserError(f"{path}: made with other settings; run `dcrdf pseudo` with these")
        arrays = PseudoAnomalies(
            variants.rgb,
            variants.depth,
            variants.mask,
            variants.changes("colour"),
            variants.changes("depth"),
        )
        made_with = dict(variants.stage["options"])
        if variants.textures_digest is not None:
            made_with["textures_digest"] = variants.textures_digest
        return arrays, made_with


def _teacher(stage: Stage, weights: Path | None) -> "Teacher":
    from dcrdf.networks.teacher_weights import load_teacher

    options = TeacherOptions.parse(stage.options["teacher"], "teacher")
    return load_teacher(options.name, _weights_of(stage, weights), options.sha256)


def _weights_of(stage: Stage, given: Path | None) -> "Path | Literal['package']":
    if stage.options["teacher"]["weights"] == "package":
        return "package"
    if given is None:
        raise UserError("--teacher-weights: give the weight file of the teacher")
    return given


def _announce(done: int, epochs: int, losses: Any) -> None:
    shown = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
    print(f"epoch {done}/{epochs}  {shown}", flush=True)


def _say(text: str) -> None:
    print(text, flush=True)
