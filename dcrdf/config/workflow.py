"""The door through which the Snakefile enters: configuration -> plan, errors in one line."""

import sys
from collections.abc import Mapping
from typing import Any

from dcrdf.config.plan import Plan
from dcrdf.config.schema import parse_config
from dcrdf.errors import UserError


def plan_of(values: Mapping[str, Any]) -> Plan:
    """The validated plan of Snakemake's `config`; ends the program with code 2 when it is wrong."""
    try:
        plan = Plan(parse_config(dict(values)))
        plan.check()
    except UserError as error:
        print(f"dcrdf: error: {error}", file=sys.stderr)
        sys.exit(2)
    return plan
