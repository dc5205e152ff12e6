"""What is mixed, what is passed on, and which weights each loss can reach."""

import pytest
import torch

from dcrdf.detectors.crd.amplified_decoder import AmplifiedDecoder
from dcrdf.detectors.reverse_distillation.student import Decoder

from .small import features_of, shape_of

FORMS = [("between", True), ("between", False), ("after", True), ("after", False)]


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(3)
    embedding = torch.randn(2, 24, 2, 2, generator=generator, dtype=torch.float64)
    return embedding, [x.requires_grad_() for x in features_of(5)]


@pytest.fixture
def decoder_of():
    def build(place="between", stopped=True, signed=True):
        torch.manual_seed(2)
        return AmplifiedDecoder(shape_of(signed), "mirror", place, stopped).double()

    return build


def by_hand(decoder, embedding, amplified, place):
    """The stages one after another, coarse to fine, by the softmax of each row of `mixing`."""
    x, decoded, output = embedding, [], []
    for number in range(3):
        x = decoder.stages[number](x)
        d = decoder.heads[number](x)
        one, other = decoder.mixing[number].exp() / decoder.mixing[number].exp().sum()
        m = one * d + other * amplified[2 - number]
        decoded.insert(0, d)
        output.insert(0, m)
        x = m if place == "between" else x
    return decoded, output


@pytest.mark.parametrize(("place", "stopped"), FORMS)
@pytest.mark.parametrize("signed", [True, False])
def test_values_against_the_stages_by_hand(decoder_of, inputs, place, stopped, signed):
    decoder = decoder_of(place, stopped, signed).eval()
    with torch.no_grad():
        decoder.mixing.copy_(torch.tensor([[1.0, 2.0], [0.0, -1.0], [0.5, 0.5]]))
    found = decoder(*inputs)
    for ours, expected in zip(found[:2], by_hand(decoder, *inputs, place), strict=True):
        for one, other in zip(ours, expected, strict=True):
            torch.testing.assert_close(one, other)
    assert all(torch.equal(a, b) for a, b in zip(found.output, found.passed, strict=True)) == (
        place == "between"
    )


def test_at_the_start_both_count_half(decoder_of, inputs):
    decoder = decoder_of()
    assert decoder.mixing.shape == (3, 2)
    assert torch.equal(decoder.mixing, torch.ones_like(decoder.mixing))
    found = decoder(*inputs)
    for d, a, m in zip(found.decoded, inputs[1], found.output, strict=True):
        torch.testing.assert_close(m, (d + a) / 2)


def gradients(decoder, inputs, of):
    """Whether a sum of what the decoder gives reaches its weights, `mixing` and the amplifier's
    features of each stage (fine to coarse)."""
    embedding, amplified = inputs
    decoder.zero_grad()
    for x in amplified:
        x.grad = None
    of(decoder(embedding, amplified)).backward()

    def reached(x):
        return x.grad is not None and bool((x.grad != 0).any())

    weights = [x for name, x in decoder.named_parameters() if name != "mixing"]
    return any(map(reached, weights)), reached(decoder.mixing), [*map(reached, amplified)]


def output_of(found):
    return sum((x**2).sum() for x in found.output)


def decoded_of(found):
    return sum((x**2).sum() for x in found.decoded)


def finest_decoded_of(found):
    return (found.decoded[0] ** 2).sum()


def test_stopped_output_trains_the_mix_alone(decoder_of, inputs):
    for place in ("between", "after"):
        decoder = decoder_of(place, stopped=True)
        assert gradients(decoder, inputs, output_of) == (False, True, [False] * 3)


def test_without_a_stop_it_trains_everything(decoder_of, inputs):
    for place in ("between", "after"):
        decoder = decoder_of(place, stopped=False)
        assert gradients(decoder, inputs, output_of) == (True, True, [True] * 3)


def test_later_stages_reach_the_amplifier_between_alone(decoder_of, inputs):
    """The finest stage has no successor; stopped, the mix is not trained this way."""
    expected = {
        ("between", True): (True, False, [False, True, True]),
        ("between", False): (True, True, [False, True, True]),
        ("after", True): (True, False, [False] * 3),
        ("after", False): (True, False, [False] * 3),
    }
    for form in FORMS:
        found = gradients(decoder_of(*form), inputs, decoded_of)
        assert found == expected[form], form
        found = gradients(decoder_of(*form), inputs, finest_decoded_of)
        assert found == expected[form], form


@pytest.mark.parametrize("signed", [True, False])
def test_left_out_its_place_is_taken_by_what_the_stage_gives_out(decoder_of, inputs, signed):
    """Between, the next stage reads mixes, hence features, never what lies before a head."""
    embedding, _ = inputs
    for place in ("between", "after"):
        decoder = decoder_of(place, signed=signed).eval()
        found = decoder(embedding, None)
        assert all(torch.equal(a, b) for a, b in zip(found.decoded, found.output, strict=True))
        x, expected = embedding, []
        for stage, head in zip(decoder.stages, decoder.heads, strict=True):
            x = stage(x)
            expected.insert(0, head(x))
            x = expected[0] if place == "between" else x
        assert all(torch.equal(a, b) for a, b in zip(found.decoded, expected, strict=True))


def test_after_decodes_as_the_plain_decoder(decoder_of, inputs):
    embedding, amplified = inputs
    decoder = decoder_of("after").eval()
    plain = Decoder(shape_of(), "mirror").double().eval()
    plain.load_state_dict({k: x for k, x in decoder.state_dict().items() if k != "mixing"})
    pairs = zip(decoder(embedding, amplified).decoded, plain(embedding), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
