"""Nested settings by dotted key."""

from dcrdf.results.dotted import dotted


def test_every_setting_stands_by_its_dotted_key():
    nested = {"train": {"epochs": 3, "betas": [0.5, 0.9]}, "infer": {"blur": {"px": 2.0}}, "x": "a"}
    assert dict(dotted(nested)) == {
        "train.epochs": "3",
        "train.betas": "[0.5, 0.9]",
        "infer.blur.px": "2.0",
        "x": "a",
    }
