"""The expectation of a residual's length: learns what it should, repeats itself, stays bounded."""

import torch

from dcrdf.detectors.reverse_distillation.usual_length import UsualLength

CHANNELS = 5


def places(seed, count=3000):
    """Unit features of two kinds of content; the second one's residuals are five times longer."""
    generator = torch.Generator().manual_seed(seed)
    hard = torch.rand(count, generator=generator) < 0.2
    features = torch.rand(count, CHANNELS, generator=generator)
    features[hard, 0] += 4.0
    features = torch.nn.functional.normalize(features, dim=1)
    noise = (0.1 * torch.randn(count, generator=generator)).exp()
    lengths = torch.where(hard, 5.0, 1.0) * noise
    return features, lengths, hard


def fitted(seed=0):
    features, lengths, _ = places(1)
    expectation = UsualLength(CHANNELS)
    expectation.fit(features, lengths, torch.Generator().manual_seed(seed))
    return expectation


def test_one_place_in_ten_exceeds_it_on_hard_content_and_on_easy_content_it_has_not_seen():
    features, lengths, hard = places(2)
    exceeded = lengths > fitted()(features)
    assert 0.05 < exceeded[hard].float().mean() < 0.2
    assert 0.05 < exceeded[~hard].float().mean() < 0.2


def test_restless_content_is_expected_to_go_further_than_steady_content_of_the_same_median():
    features, lengths, restless = places(5)
    generator = torch.Generator().manual_seed(6)
    spread = torch.where(restless, 0.8, 0.05)
    lengths = (spread * torch.randn(len(lengths), generator=generator)).exp()
    expectation = UsualLength(CHANNELS)
    expectation.fit(features, lengths, torch.Generator().manual_seed(0))
    usual = expectation(features)
    assert usual[restless].mean() > 1.8 * usual[~restless].mean()


def test_relative_lengths_rank_a_small_surprise_above_usual_hard_content():
    features, lengths, hard = places(3)
    lengths[~hard] *= 3.0  # a defect on easy content: shorter than what hard content always shows
    relative = fitted().relative(lengths, features)
    assert (lengths[~hard].mean() < lengths[hard].mean()).item()
    assert (relative[~hard].mean() > relative[hard].mean()).item()


def test_before_a_fit_and_without_places_lengths_stay_as_they_are():
    features, lengths, _ = places(4)
    expectation = UsualLength(CHANNELS)
    expectation.fit(features[:1], lengths[:1], torch.Generator().manual_seed(0))
    torch.testing.assert_close(expectation.relative(lengths, features), lengths)
