import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcrdf.errors import UserError
from dcrdf.files.digests import digest_of_file, seed_of, sha256_of_file, sha256_of_json


def test_digest_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"abc" * 100_000)
    assert sha256_of_file(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()
    assert digest_of_file(path, "md5") == hashlib.md5(b"abc" * 100_000).hexdigest()


def test_digest_of_a_missing_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.bin: cannot read"):
        sha256_of_file(tmp_path / "gone.bin")


def test_json_digest_ignores_key_order_only() -> None:
    assert sha256_of_json({"a": 1, "b": [1, 2]}) == sha256_of_json({"b": [1, 2], "a": 1})
    assert sha256_of_json({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()
    assert sha256_of_json([1, 2]) != sha256_of_json([2, 1])


def test_seeds_are_the_documented_ones() -> None:
    assert seed_of("dent", 3) == int.from_bytes(hashlib.sha256(b"dent\x1f3").digest()[:8], "little")


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_seeds_fit_64_bits_and_depend_on_where_the_parts_end(parts: list[str]) -> None:
    assert 0 <= seed_of(*parts) < 2**64
    if "\x1f" not in "".join(parts):
        assert seed_of(*parts) != seed_of(*parts, "")
