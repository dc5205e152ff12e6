"""One line of production: judges scans, keeps the journal, watches for drift."""

import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcrdf.cli.judging import judge, say, write_heat_map
from dcrdf.cli.own_scans import OwnScans
from dcrdf.cli.score_table import heat_map_of
from dcrdf.config.sources import check_text
from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_file, sha256_of_json
from dcrdf.files.jsonfile import write_json
from dcrdf.modalities import NOT_JUDGED
from dcrdf.watch.drift import Drift
from dcrdf.watch.folder import DropFolder, Found
from dcrdf.watch.journal import Journal

if TYPE_CHECKING:
    from dcrdf.models.model import Model
    from dcrdf.models.verdict import Verdict

HEAT_MAPS, DRIFT = "heat", "drift.json"
GOOD = "good"


class Line:
    """What was judged, by the scans' names in `known`, and how good parts are in `drift`."""

    def __init__(
        self, model: "Model", scans: OwnScans, folder: Path, out: Path, journal: Journal, last: int
    ) -> None:
        self._model, self._scans, self._folder, self._out = model, scans, folder, out
        self._journal = journal
        self._model_digest = sha256_of_json(model.description)[:12]
        self.drift = Drift(model.good_validation, last)
        self.known: dict[str, Mapping[str, Any]] = {}
        self._tried: set[str] = set()
        self._name_of_stem: dict[str, str] = {}
        for line in journal.lines():
            self._remember(line)

    def files_of(self, file: Path) -> list[Path]:
        """The scan's files that are there."""
        return [file] if self._scans.without else self._scans.files_of(file)

    def take(self, found: Found, folder: DropFolder) -> bool:
        """Judge a scan, unless it was; False where its files changed meanwhile, so that it comes
        again."""
        started_s = time.monotonic()
        name = found.file.name
        try:
            check_text(found.file)
            files = self._described(found)
            before = self.known.get(name)
            if before is not None and _is_same(before, files):
                if before["score"] is not None or name in self._tried:
                    return True
            self._tried.add(name)
            self._refuse_second_of(found.file)
            judged = judge(self._model, self._scans, found.file)
        except UserError as error:
            if not folder.is_as_found(found):
                return False
            return self._put_unusable(found, str(error))
        if not folder.is_as_found(found):
            return False
        heat_map = heat_map_of(self._out / HEAT_MAPS, found.file)
        write_heat_map(heat_map, judged)
        line = self._line(found, judged.verdict, files)
        warnings = []
        if line["verdict"] == GOOD:
            warnings = self.drift.add(line["gauges"])
        now_s = time.monotonic()
        line |= {
            "heat_map": os.path.relpath(heat_map, self._out),
            "drift": self.drift.warned,
            "judging_ms": round(1000.0 * (now_s - started_s)),
            "latency_ms": round(1000.0 * (now_s - found.since_s)),
        }
        self._journal.append(line)
        self._known(line)
        say(found.file, judged.verdict, f"  {line['latency_ms']} ms")
        for warning in warnings:
            print(f"dcrdf: {warning}", file=sys.stderr, flush=True)
        write_json(self._out / DRIFT, {"model": self._model_digest, **self.drift.to_dict()})
        return True

    def _line(
        self, found: Found, verdict: "Verdict", files: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        return {
            **self._head(found, verdict.word, verdict.remark),
            "score": verdict.score,
            "threshold": verdict.threshold,
            "gauges": dict(verdict.gauges),
            "files": files,
        }

    def _head(self, found: Found, verdict: str, remark: str) -> dict[str, Any]:
        at = datetime.now().astimezone().isoformat(timespec="milliseconds")
        head = {"at": at, "image": str(found.file), "name": found.file.name}
        return head | {"verdict": verdict, "remark": remark, "model": self._model_digest}

    def _put_unusable(self, found: Found, reason: str) -> bool:
        """Say why a scan cannot be used; a line unless its last one says the same."""
        print(f"dcrdf: error: {reason}", file=sys.stderr, flush=True)
        before = self.known.get(found.file.name)
        is_new = before is None or before["score"] is not None or before["remark"] != reason
        if is_new and found.file.name.isprintable():
            line = self._head(found, NOT_JUDGED, reason)
            files = {
                self._shown(file): {"bytes": size, "mtime_ns": changed_ns}
                for file, (size, changed_ns) in found.states.items()
            }
            latency_ms = round(1000.0 * (time.monotonic() - found.since_s))
            line |= {"score": None, "threshold": None, "files": files, "latency_ms": latency_ms}
            self._journal.append(line)
            self._known(line)
        return True

    def _described(self, found: Found) -> dict[str, dict[str, Any]]:
        """The scan's files by their path from the folder: size, time, and what they hold."""
        return {
            self._shown(file): {
                "bytes": size,
                "mtime_ns": changed_ns,
                "sha256": sha256_of_file(Path(file)),
            }
            for file, (size, changed_ns) in found.states.items()
        }

    def _shown(self, file: str) -> str:
        return os.path.relpath(file, self._folder)

    def _refuse_second_of(self, file: Path) -> None:
        other = self._name_of_stem.get(file.stem, file.name)
        if other != file.name and (self._folder / other).exists():
            raise UserError(f"{file}: {other} has the same name, and the heat map; rename one")

    def _remember(self, line: Mapping[str, Any]) -> None:
        """A line of an earlier call."""
        self._known(line)
        if line["verdict"] == GOOD and line.get("model") == self._model_digest:
            self.drift.add(line["gauges"])

    def _known(self, line: Mapping[str, Any]) -> None:
        self.known[line["name"]] = {
            key: line[key] for key in ("score", "verdict", "remark", "files")
        }
        if line["score"] is not None:
            self._name_of_stem[Path(line["name"]).stem] = line["name"]


def _is_same(line: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a line is of files with this content, wherever they were copied from and when."""
    known = {name: one.get("sha256") for name, one in line["files"].items()}
    return known == {name: one["sha256"] for name, one in files.items()}
