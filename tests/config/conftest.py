"""Plans of configurations."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from dcrdf.config.plan import Plan
from dcrdf.config.resolve import parse_config


@pytest.fixture
def plan_of() -> Callable[[dict[str, Any]], Plan]:
    """The plan of a configuration's values; they may be changed afterwards."""
    return lambda values: Plan(parse_config(copy.deepcopy(values)))
