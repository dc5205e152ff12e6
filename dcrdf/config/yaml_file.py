"""A YAML file as a mapping: plain values only, every key once."""

from pathlib import Path
from typing import Any

import yaml

from dcrdf.errors import UserError


class UniqueKeys(yaml.SafeLoader):  # type: ignore[misc]
    """Reads plain YAML and refuses a key that stands twice in a mapping: the last would win."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """As the base class does."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add((key.tag, key.value))
        return node


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; object tags and repeated keys are refused (`UserError`)."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), UniqueKeys)  # noqa: S506 - a safe loader
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: a mapping of keys is expected")
    return values
