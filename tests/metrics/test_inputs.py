"""What the public metrics refuse, by the argument's name."""

import numpy as np
import pytest

from dcrdf.errors import UserError
from dcrdf.metrics import aupro, auroc, bootstrap, evaluate, false_alarm_threshold, pro_curve

MAPS = np.arange(32.0).reshape(2, 4, 4)
MASKS = np.zeros((2, 4, 4), dtype=bool)
MASKS[1, :2, :2] = True
SPLIT = (MAPS, MASKS, [0.0, 1.0], [0, 1])
MASKED = np.ma.masked_array([0.1, 0.9], mask=[True, False])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: auroc([[0.1], [0.2, 0.3]], [0, 1]), "scores: its rows differ"),
        (lambda: auroc([0.1, 0.2], [[0], [0, 1]]), "labels: its rows differ"),
        (lambda: aupro([[[0.1], [0.2, 0.3]]], [MASKS[0]]), "maps: map 0: its rows differ"),
        (lambda: aupro(MAPS[:1], [[[True], [True, False]]]), "masks: mask 0: its rows differ"),
        (lambda: aupro(MAPS, MASKS, "a"), "limits: 'a'"),
        (lambda: aupro(MAPS, MASKS, None), "limits: None"),
        (lambda: aupro(MAPS, MASKS, [[0.3], [0.1]]), "limits: "),
        (lambda: evaluate(*SPLIT, limits=None), "limits: None"),
        (lambda: evaluate(*SPLIT, limits=[0.3, None]), "limits: "),
        (lambda: evaluate(*SPLIT, limits=[0.3, [0.1]]), "limits: "),
        (lambda: bootstrap(*SPLIT, seed=-1), "seed: -1 is not a whole number from 0 on"),
        (lambda: bootstrap(*SPLIT, seed="x"), "seed: 'x'"),
        (lambda: bootstrap(*SPLIT, resamples=10.5), "resamples: 10.5 is not a whole number"),
        (lambda: bootstrap(*SPLIT, resamples=0), "resamples: 0"),
        (lambda: false_alarm_threshold([0.1, 0.2], "a"), "rate: 'a' is not a number"),
        (lambda: false_alarm_threshold([0.1, 0.2], 0.1, None), "confidence: None"),
        (lambda: aupro(MAPS, MASKS & False, mode="kit"), "mode: 'kit' is unknown"),
        (lambda: pro_curve(MAPS, MASKS & False, mode="kit"), "mode: 'kit' is unknown"),
        (lambda: auroc([2**53, 2**53 + 1], [0, 1]), "scores: holds integers from 2"),
        (lambda: auroc(MASKED, [0, 1]), "scores: has masked values"),
        (lambda: auroc([0.1, 0.2], np.ma.masked_array([0, 1], [0, 1])), "labels: has masked"),
        (lambda: aupro(np.ma.masked_array(MAPS, MASKS), MASKS), "maps: map 1: has masked"),
    ],
)
def test_refused_by_name(call, named):
    with pytest.raises(UserError) as caught:
        call()
    assert str(caught.value).startswith(named)


def test_one_limit_may_be_a_number():
    assert evaluate(*SPLIT, limits=0.3).aupro == {0.3: aupro(MAPS, MASKS, 0.3)}


def test_integers_that_floats_hold_and_unmasked_arrays_are_taken():
    assert auroc([2**53 - 2, 2**53 - 1], [0, 1]) == 1.0
    assert auroc(np.ma.masked_array([0.1, 0.9]), [0, 1]) == 1.0
