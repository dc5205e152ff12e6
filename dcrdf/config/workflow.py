"""The door through which the Snakefile enters: configuration -> plan, errors in one line."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dcrdf.config.plan import Plan
from dcrdf.config.schema import parse_config, read_yaml
from dcrdf.errors import UserError

YAML_SUFFIXES = (".yaml", ".yml")


def plan_of(values: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Plan:
    """The validated plan of Snakemake's `config`; ends the program with code 2 when it is wrong.

    `files` are those that Snakemake read it from: of a key that is there twice it takes the last.
    """
    try:
        for path in map(Path, files):
            if path.suffix in YAML_SUFFIXES and path.is_file():
                read_yaml(path)
        plan = Plan(parse_config(dict(values)))
        plan.check()
    except UserError as error:
        print(f"dcrdf: error: {error}", file=sys.stderr)
        sys.exit(2)
    return plan
