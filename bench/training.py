"""Training and inference: pairs a second, the share of time that waits for data, memory.

`python -m bench.training` measures the small teacher on the CPU and writes bench/training.md;
`make bench-gpu` is the paper's size on a GPU, in bfloat16. Random images and, with `--weights
random`, random teachers: speed does not depend on what they show or know.
"""

import argparse
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.cases import SCORED, TRAINED, Case, step_of
from bench.figures import keep
from bench.measure import best_seconds
from bench.page import Rows, table
from dcrdf.config.options import InferOptions, PrepareOptions, TrainOptions
from dcrdf.datasets.sample import Scan
from dcrdf.detectors.dcrdf_net.detector import DcrdfNet
from dcrdf.detectors.maps import Maps
from dcrdf.networks.teacher import Teacher
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.preparation.image import prepare_scan
from dcrdf.preparation.normalise import PreparationConstants
from dcrdf.scoring.scorer import Scorer
from dcrdf.tensors.device import choose_device, make_repeatable
from dcrdf.tensors.prepared import scans_of_images
from dcrdf.tensors.scans import ScanBatch, Scans
from dcrdf.training.loop import FitContext, make_optimizer
from dcrdf.training.twins import PseudoAnomalies

OUTPUT = Path(__file__).with_suffix(".md")
PEAK_TFLOPS = {"H100": 989, "H200": 989, "A100": 312}
"""Dense bfloat16, the makers' data sheets (SXM)."""
CATEGORY = 250
"""Training images of a category."""


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", default="efficientnet_lite0")
    parser.add_argument("--weights", default="package", help="package, random or a file")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compiled", action="store_true", help="only scoring, by torch.compile")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    return parser.parse_args()


def images(args: argparse.Namespace) -> tuple[Scans, PseudoAnomalies]:
    """Random samples and one variant of each."""
    generator = np.random.default_rng(0)
    shape = (args.samples, args.size, args.size)
    rgb = generator.integers(0, 256, (*shape, 3), np.uint8)
    depth = generator.random(shape, np.float32)
    everywhere = np.ones(shape, bool)
    masks = dict.fromkeys(("inside", "valid", "outline", "on_part"), everywhere)
    samples = Scans(rgb=rgb, height=depth, **masks)
    mask = generator.random((args.samples, 1, args.size, args.size)) < 0.05
    changed = np.ones((args.samples, 1), bool)
    return samples, PseudoAnomalies(rgb[:, None], depth[:, None], mask, changed, changed)


def synchronised(device: torch.device) -> float:
    """The time, after the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def training(
    args: argparse.Namespace, name: str, teacher: Teacher
) -> tuple[tuple[str, ...], float, float]:
    """A row of a training, its pairs a second, and the percent of time spent fetching data."""
    device, case = choose_device(args.device), TRAINED[name]
    samples, variants = images(args)
    train = TrainOptions(
        batch_size=args.batch, cpu_threads=args.threads, feature_cache_mb=16_384,
        precision=args.precision,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        context = FitContext(Path(folder), 0, "", train, device)
        detector = case.build(teacher).to(device)
        started = synchronised(device)
        batches, objective = step_of(detector, samples, variants, context)
        caching_s = synchronised(device) - started
        optimizer = make_optimizer(detector.network, train, device)
        detector.network.train()

        def step(data: Any) -> None:
            with context.autocast():
                losses = objective(data)
            optimizer.zero_grad(set_to_none=True)
            torch.stack([loss.float() for loss in losses.values()]).sum().backward()
            optimizer.step()

        waited = worked = 0.0
        for number in range(args.steps + 2):
            rows = np.arange(args.batch) % args.samples
            before = synchronised(device)
            data = batches(rows, number)
            fetched = synchronised(device)
            step(data)
            done = synchronised(device)
            if number >= 2:  # the first steps choose kernels and grow memory
                waited, worked = waited + fetched - before, worked + done - before
        tflop = teraflop(lambda: step(data)) / args.batch
    pairs = args.batch * args.steps / worked
    waiting = 100 * waited / worked
    whole_min = CATEGORY * case.epochs / pairs / 60
    note = f"{waiting:.1f} % waits for data; features {caching_s:.1f} s once; "
    note += f"{CATEGORY} images x {case.epochs} epochs: {whole_min:.1f} min"
    speed = (f"training, {name}", f"{pairs:.1f}", achieved(pairs * tflop, device))
    return (*speed, note, memory(device)), pairs, waiting


def normality(args: argparse.Namespace, teacher: Teacher) -> tuple[str, ...]:
    """A row with what follows a training: what maps beyond raw ones need, from good images."""
    device = choose_device(args.device)
    samples, _ = images(args)
    train = TrainOptions(batch_size=args.batch, cpu_threads=args.threads)
    with tempfile.TemporaryDirectory() as folder:
        context = FitContext(Path(folder), 0, "", train, device)
        detector = SCORED["best"].build(teacher).to(device)
        assert isinstance(detector, DcrdfNet)
        started = synchronised(device)
        detector.fit_normality(samples, context)
        seconds = synchronised(device) - started
    note = f"{seconds:.1f} s once, of {args.samples} images that may be turned"
    return "after a training, both modalities", "", "", note, memory(device)


def inference(args: argparse.Namespace, name: str, teacher: Teacher, batch: int) -> tuple[str, ...]:
    """Pairs a second and latency from prepared arrays to scores, all copies included."""
    device = choose_device(args.device)
    samples, _ = images(args)
    scorer = calibrated(args, SCORED[name], teacher, samples)
    shown = samples[:batch]
    seconds = best_seconds(lambda: scorer.score(shown), 3, warm_up=True, clock=time.perf_counter)
    rate = ""
    if not args.compiled:  # operations cannot be counted in compiled code
        rate = achieved(teraflop(lambda: scorer.score(shown)) / seconds, device)
    return (
        f"inference, {described(scorer, name)}, batch {len(shown)}", f"{len(shown) / seconds:.1f}",
        rate, f"{1000 * seconds:.1f} ms a batch", memory(device),
    )  # fmt: skip


def inference_with_preparation(
    args: argparse.Namespace, name: str, teacher: Teacher
) -> tuple[str, ...]:
    """The same from one raw scan of 800 x 800 points, on one CPU thread for its preparation."""
    device = choose_device(args.device)
    samples, _ = images(args)
    scorer = calibrated(args, SCORED[name], teacher, samples)
    prepare, scan = PrepareOptions(image_size=args.size), raw_scan()
    constants = PreparationConstants("part", 0.0, 0.02, (0.0, 0.0, -1.0, 0.5))

    def whole() -> None:
        prepared = prepare_scan(scan, prepare, constants)
        scorer.score(scans_of_images([prepared], prepare))

    seconds = best_seconds(whole, 3, warm_up=True, clock=time.perf_counter)
    what = f"inference, {described(scorer, name)}, batch 1, with preparation"
    return what, f"{1 / seconds:.1f}", "", f"{1000 * seconds:.1f} ms a scan", memory(device)


def raw_scan(size: int = 800) -> Scan:
    """A block of 20 mm on a plane half a metre away, with sensor noise and missing points."""
    generator = np.random.default_rng(1)
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    z = np.full((size, size), 0.5, np.float32)
    z[size // 4 : -size // 4, size // 4 : -size // 4] -= 0.02
    z += generator.normal(0.0, 2e-5, z.shape).astype(np.float32)
    xyz = np.stack([0.2 * x, 0.2 * y, z], axis=-1)
    xyz[generator.random(z.shape) < 0.02] = 0.0
    return Scan(generator.integers(0, 256, (size, size, 3), np.uint8), xyz)


def calibrated(args: argparse.Namespace, case: Case, teacher: Teacher, samples: Scans) -> Scorer:
    """An untrained detector, ready to score as its preset asks."""
    infer = InferOptions(
        cpu_threads=args.threads, precision=args.precision, **case.section("infer")
    )
    detector = case.build(teacher)
    scorer = Scorer.calibrate(detector, infer, samples, choose_device(args.device))[0]
    if args.compiled:
        scoring: Any = scorer.detector
        scoring.maps = compiled(scoring.maps)
    return scorer


def compiled(maps: Callable[[ScanBatch], Maps]) -> Callable[[ScanBatch], Maps]:
    """The same, compiled. On a GPU its outputs lie in memory that the next call writes to, and a
    scorer keeps the maps of one orientation while it asks for the next: so they are copied."""
    fast = torch.compile(maps, mode="reduce-overhead")

    def copied(batch: ScanBatch) -> Maps:
        answer: Maps = fast(batch)
        return answer.each(torch.clone)

    return copied


def described(scorer: Scorer, name: str) -> str:
    """The case, and in how many orientations it scores where that is more than one."""
    count = min(len(scorer.detector.orientations), scorer.options.orientations)
    return name if count == 1 else f"{name} in {count} orientations"


def teraflop(call: Callable[[], Any]) -> float:
    """Floating-point operations of convolutions and matrix products in a call, in 1e12."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 1e12


def achieved(tflops: float, device: torch.device) -> str:
    """TFLOP/s, and their share of the peak of a known GPU."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    peak = next((value for key, value in PEAK_TFLOPS.items() if key in name), None)
    return f"{tflops:.3g}" + (f" ({100 * tflops / peak:.0f} %)" if peak else "")


def memory(device: torch.device) -> str:
    """Peak memory of the device, or of the process on a CPU."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GB"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB"


def main() -> None:
    """Measure, print and keep the table."""
    args = arguments()
    make_repeatable(0, args.threads, with_gradients=True)
    if args.weights == "random":
        teacher = Teacher(args.teacher)
    else:
        weights = "package" if args.weights == "package" else Path(args.weights)
        teacher = load_teacher(args.teacher, weights)  # type: ignore[arg-type]
    rows: Rows = []
    if not args.compiled:
        trained = {name: training(args, name, teacher) for name in TRAINED}
        waiting = {f"waiting for data, {name}": one[2] for name, one in trained.items()}
        keep("training", {**waiting, "crd, pairs at 160 px": trained["crd"][1]})
        rows += [row for row, _, _ in trained.values()]
        rows += [normality(args, teacher)]
    rows += [inference(args, name, teacher, batch) for name in SCORED for batch in (1, 32)]
    rows += [inference_with_preparation(args, name, teacher) for name in SCORED]
    device = choose_device(args.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    head = ("what", "pairs/s", "TFLOP/s (share of peak)", "", "peak memory")
    text = (
        "# Training and inference: measured\n\n"
        f"Made by `python -m bench.training`; {args.teacher}, {args.size} px, batch {args.batch},"
        f" {args.precision}, {name}, {args.threads} CPU threads, torch {torch.__version__}"
        f"{', scoring compiled' if args.compiled else ''}.\n\n"
        + table(head, rows, "|---|---:|---:|---|---:|")
        + "\n"
    )
    print(text)
    args.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
