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
from dcrdf.judging.verdict import GOOD
from dcrdf.modalities import NOT_JUDGED
from dcrdf.watch.drift import Drift
from dcrdf.watch.folder import DropFolder, Found
from dcrdf.watch.journal import Journal

if TYPE_CHECKING:
    from dcrdf.judging.judge import Judge
    from dcrdf.judging.verdict import Verdict

HEAT_MAPS, DRIFT = "heat", "drift.json"


class Line:
    """What was judged, by the scans' names in `known`, and how good parts are in `drift`."""

    def __init__(
        self, model: "Judge", scans: OwnScans, folder: Path, out: Path, journal: Journal, last: int
    ) -> None:
        self._model, self._scans, self._folder, self._out = model, scans, folder, out
        self._journal = journal
        self._model_digest = sha256_of_json(model.description)[:12]
        self.drift = Drift(model.good_validation, last)
        self.known: dict[str, Mapping[str, Any]] = {}
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
        try:
            check_text(found.file)
        except UserError as error:  # a name that no line could hold
            print(f"dcrdf: error: {error}", file=sys.stderr, flush=True)
            return True
        try:
            if self._was_judged(found):
                return True
            self._refuse_second_of(found.file)
            files = self._described(found)
            judged = judge(self._model, self._scans, found.file)
        except UserError as error:
            if not folder.is_as_found(found):
                return False
            self._put_unusable(found, str(error))
            return True
        if not folder.is_as_found(found):
            return False
        heat_map = heat_map_of(self._out / HEAT_MAPS, found.file)
        write_heat_map(heat_map, judged)
        line = self._line(found, judged.verdict, files)
        line["heat_map"] = os.path.relpath(heat_map, self._out)
        warnings = self._watched(line)
        now_s = time.monotonic()
        line["judging_ms"] = round(1000.0 * (now_s - started_s))
        line["latency_ms"] = round(1000.0 * (now_s - found.since_s))
        self._put(line)
        say(found.file, judged.verdict, f"  {line['latency_ms']} ms")
        for warning in warnings:
            print(f"dcrdf: {warning}", file=sys.stderr, flush=True)
        return True

    def _watched(self, line: dict[str, Any]) -> list[str]:
        """Add a good part to the charts; the warnings that begin."""
        begun = self.drift.add(line["gauges"]) if line["verdict"] == GOOD else []
        line["drift"] = self.drift.warned
        return begun

    def _put(self, line: dict[str, Any]) -> None:
        """A line on disk; then what is made of all of them."""
        self._journal.append(line)
        self._known(line)
        if line["verdict"] == GOOD:
            write_json(self._out / DRIFT, {"model": self._model_digest, **self.drift.to_dict()})

    def _line(
        self, found: Found, verdict: "Verdict", files: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        return {
            **self._head(found, verdict.word, verdict.remark),
            "score": verdict.score,
            "threshold": verdict.threshold,
            "threshold_from": verdict.threshold_from,
            "gauges": dict(verdict.gauges),
            "files": files,
        }

    def _head(self, found: Found, verdict: str, remark: str) -> dict[str, Any]:
        at = datetime.now().astimezone().isoformat(timespec="milliseconds")
        head = {"at": at, "image": str(found.file), "name": found.file.name}
        return head | {"verdict": verdict, "remark": remark, "model": self._model_digest}

    def _put_unusable(self, found: Found, reason: str) -> None:
        """Say why a scan cannot be used; a line unless its last one says the same."""
        print(f"dcrdf: error: {reason}", file=sys.stderr, flush=True)
        before = self.known.get(found.file.name)
        if before is not None and before["score"] is None and before["remark"] == reason:
            return
        files = {
            self._shown(file): {"bytes": size, "mtime_ns": changed_ns}
            for file, (size, changed_ns) in found.states.items()
        }
        latency_ms = round(1000.0 * (time.monotonic() - found.since_s))
        line = self._head(found, NOT_JUDGED, reason)
        line |= {"score": None, "threshold": None, "files": files, "latency_ms": latency_ms}
        self._put(line)

    def _was_judged(self, found: Found) -> bool:
        """Whether a line is of these files or, where they were copied again, of their content."""
        before = self.known.get(found.file.name)
        if before is None or before["score"] is None:
            return False
        known = before["files"]
        now = {self._shown(file): state for file, state in found.states.items()}
        if {name: one["bytes"] for name, one in known.items()} != {
            name: size for name, (size, _) in now.items()
        }:
            return False
        if all(known[name]["mtime_ns"] == changed_ns for name, (_, changed_ns) in now.items()):
            return True
        digests = {name: one["sha256"] for name, one in self._described(found).items()}
        return digests == {name: one["sha256"] for name, one in known.items()}

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
            self.drift.add(line.get("gauges", {}))

    def _known(self, line: Mapping[str, Any]) -> None:
        self.known[line["name"]] = {
            key: line[key] for key in ("score", "verdict", "remark", "files")
        }
        if line["score"] is not None:
            self._name_of_stem[Path(line["name"]).stem] = line["name"]
