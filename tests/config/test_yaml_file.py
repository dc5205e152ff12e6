"""Files that are not plain YAML are refused, naming the file."""

import pytest

from dcrdf.config.yaml_file import read_yaml
from dcrdf.errors import UserError


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1", "not valid YAML"),
        ("- 1\n- 2", ""),
        ("a: !!python/object/apply:os.system [ls]", "not valid YAML"),
        pytest.param("[" * 100_000, "not valid YAML", id="endless nesting"),
        ("train: {}\nseeds: [1]\ntrain: {}", "not valid YAML: the key 'train' is there twice"),
        ("a: {b: 1, c: 2, b: 3}", "not valid YAML: the key 'b' is there twice"),
    ],
)
def test_bad_yaml_is_refused(tmp_path, text, reason):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"own\.yaml: {reason}"):
        read_yaml(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="nothing.yaml"):
        read_yaml(tmp_path / "nothing.yaml")


def test_a_merged_key_may_be_said_anew(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("a: &base {x: 1, y: 2}\nb: {<<: *base, x: 3}\nc: {<<: *base}")
    assert read_yaml(path)["b"] == {"x": 3, "y": 2}
