"""Options side by side, and sizes on disk."""

import pytest

from dcrdf.report.settings import compare_settings, disk_sizes, size_text


def test_options_split_into_common_and_different():
    table = compare_settings(
        {
            ("a", "nut"): {"train": {"epochs": 150, "betas": [0.5, 0.9]}, "fusion": "avg"},
            ("b", "nut"): {"train": {"epochs": 150, "betas": [0.5, 0.9]}, "fusion": "max"},
        }
    )
    assert table.runs == ["a", "b"]
    assert table.common == [("train.epochs", "150"), ("train.betas", "[0.5, 0.9]")]
    assert table.different == [("fusion", ["avg", "max"])]


def test_an_option_that_differs_by_category_names_the_categories():
    table = compare_settings(
        {
            ("a", "nut"): {"epochs": 150},
            ("a", "bolt"): {"epochs": 40},
            ("b", "nut"): {"epochs": 150},
            ("b", "bolt"): {"epochs": 150},
        }
    )
    assert table.different == [("epochs", ["150 (nut); 40 (bolt)", "150"])]


def test_an_option_that_a_run_lacks_is_a_dash():
    table = compare_settings({("a", "nut"): {"gate": True}, ("b", "nut"): {}})
    assert table.different == [("gate", ["true", "-"])]


def test_no_settings_make_no_table():
    table = compare_settings({})
    assert (table.common, table.different) == ([], [])


def test_sizes_are_sums_of_files_and_links_do_not_count(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "one").write_bytes(b"x" * 700)
    (tmp_path / "a" / "two").write_bytes(b"x" * 300)
    (tmp_path / "a" / "link").symlink_to(inner / "one")
    sizes = disk_sizes(
        {"all": tmp_path / "a", "file": inner / "one", "absent": tmp_path / "nowhere"}
    )
    assert sizes == [("all", 1000), ("file", 700)]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (999_999, "1.0 MB"),
        (123_456_789, "123 MB"),
        (3 * 10**13, "30.0 TB"),
    ],
)
def test_size_text(size, text):
    assert size_text(size) == text
