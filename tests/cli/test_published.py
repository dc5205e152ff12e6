"""`dcrdf published`."""

from dcrdf.cli import main


def test_an_unknown_data_set_is_refused_with_the_known_ones(capsys):
    assert main(["published", "--dataset", "nope"]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert "--dataset: no 'nope'; there are: " in printed.err
    assert "mvtec3d" in printed.err
    assert main(["published", "--dataset", "mvtec3d"]) == 0
