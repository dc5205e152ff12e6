"""Banks measure as they say: precision, re-weighting against the formula, what cannot be held."""

import math

import numpy as np
import pytest
import torch

from dcrdf.config.detectors.patch_bank import PatchBankOptions
from dcrdf.detectors.patch_bank.bank import PatchBank
from dcrdf.detectors.patch_bank.places import Places
from dcrdf.errors import UserError


def drawn(seed, count, channels=5):
    values = np.random.default_rng(seed).normal(0.0, 1.0, (count, channels))
    return torch.from_numpy(values.astype(np.float32))


def filled(rows, **options):
    bank = PatchBank(PatchBankOptions(**{"bank_share": 1.0, **options}))
    places = Places(len(rows), rows.shape[1], lambda: iter([rows]))
    bank.fill(places, torch.Generator().manual_seed(0))
    return bank


def reweighted_by_hand(query, bank, count):
    """Roth et al., equation 7, in float64, with m* one of its own neighbours."""
    distances = [math.dist(query, one) for one in bank]
    nearest = bank[int(np.argmin(distances))]
    around = sorted(bank, key=lambda one: math.dist(nearest, one))[:count]
    star = min(distances)
    total = sum(math.exp(math.dist(query, one)) for one in around)
    return (1.0 - math.exp(star) / total) * star


@pytest.mark.parametrize("count", [2, 3, 9, 500])
def test_distances_are_weighed_by_the_nearest_patchs_neighbourhood(count):
    rows, queries = drawn(0, 40), 2.0 * drawn(1, 30)
    bank = filled(rows, reweight=count)
    expected = [reweighted_by_hand(q, rows.tolist(), count) for q in queries.tolist()]
    np.testing.assert_allclose(bank.distances(queries), expected, rtol=1e-4)
    plain = filled(rows).distances(queries)
    assert (bank.distances(queries) >= plain * (1 - 1 / min(count, 40)) - 1e-6).all()
    assert (bank.distances(queries) <= plain).all()


def test_far_away_a_weight_is_still_a_number():
    rows = drawn(2, 20)
    far = torch.full((1, 5), 1e4)
    distance = filled(rows, reweight=4).distances(far)
    assert torch.isfinite(distance).all()
    assert 0.7e4 < float(distance) < 3e4


@pytest.mark.parametrize("reweight", [0, 3])
def test_halves_are_stored_and_measured_in_float32(reweight):
    rows, queries = drawn(3, 30), drawn(4, 20)
    bank = filled(rows, bank_precision="float16", reweight=reweight)
    assert bank.patches.dtype == torch.float16
    found = bank.distances(queries)
    assert found.dtype == torch.float32
    torch.testing.assert_close(
        found, filled(rows, reweight=reweight).distances(queries), rtol=5e-3, atol=5e-3
    )
    if not reweight:
        exact = torch.cdist(queries.double(), bank.patches.double()).amin(1)
        torch.testing.assert_close(found.double(), exact, rtol=1e-6, atol=0.0)


def test_a_bank_without_reweighting_holds_patches_alone():
    assert set(filled(drawn(5, 9)).state_dict()) == {"patches"}
    assert set(filled(drawn(5, 9), reweight=2).state_dict()) == {"patches", "around"}


@pytest.mark.parametrize(
    ("value", "precision"), [(1e5, "float16"), (np.nan, "float32"), (np.inf, "float32")]
)
def test_features_that_cannot_be_stored_are_refused(value, precision):
    rows = drawn(6, 9)
    rows[4, 2] = value
    with pytest.raises(UserError, match=rf"options\.bank_precision.*{precision}"):
        filled(rows, bank_precision=precision)


def test_one_patch_has_no_neighbourhood():
    with pytest.raises(UserError, match=r"options\.reweight.*one patch"):
        filled(drawn(7, 9), bank_size=1, reweight=3)
