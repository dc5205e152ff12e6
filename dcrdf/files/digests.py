"""Digests of files, of settings, and the seeds that follow from names."""

import hashlib
import json
from pathlib import Path
from typing import Any

from dcrdf.errors import UserError


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's content, in hex; `UserError` when it cannot be read."""
    return digest_of_file(path, "sha256")


def digest_of_file(path: Path, algorithm: str) -> str:
    """The digest of a file's content, in hex, by a name `hashlib` knows."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror or error}") from None


def sha256_of_json(value: Any) -> str:
    """The SHA-256 of a JSON value in canonical form (sorted keys, no spaces)."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def seed_of(*parts: object) -> int:
    """A 64-bit seed that depends on the names and numbers given, and on nothing else."""
    joined = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(joined.encode()).digest()[:8], "little")
