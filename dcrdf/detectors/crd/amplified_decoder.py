"""The decoder of reverse distillation, mixed with what the other modality expects."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dcrdf.detectors.reverse_distillation.student import Decoder
from dcrdf.networks.teacher import Features, TeacherShape


class Decoded(NamedTuple):
    """Features at strides 4, 8, 16: the decoder's, their mix with the amplifier's, and what each
    stage's successor has read of them."""

    decoded: Features
    output: Features
    passed: Features


class AmplifiedDecoder(Decoder):
    """Each stage's features d and the amplifier's a are mixed as p_1 d + p_2 a, p the softmax of
    two learned numbers.

    `mixing` (3, 2), coarse to fine. `place: between` gives the mix to the next stage, `after` does
    not. `stopped`: the mix that is given out trains p alone, the one that is passed on all but p.
    """

    def __init__(
        self,
        shape: TeacherShape,
        blocks: Literal["mirror", "light"] = "mirror",
        place: Literal["between", "after"] = "between",
        stopped: bool = True,
    ) -> None:
        super().__init__(shape, blocks)
        self.place, self.stopped = place, stopped
        self.mixing = nn.Parameter(torch.ones(len(shape.channels), 2))

    def forward(  # type: ignore[override]
        self, embedding: Tensor, amplified: Features | None
    ) -> Decoded:
        """Embedding and the amplifier's features (strides 4, 8, 16). None: it is left out, and the
        next stage reads the decoder's own in place of the mix."""
        outputs: Features = []
        passed: Features = []

        def mix(number: int, x: Tensor, decoded: Tensor) -> Tensor:
            given_out = passed_on = decoded
            if amplified is not None:
                given_out, passed_on = self._mixed(number, decoded, amplified[-1 - number])
            outputs.append(given_out)
            passed.append(passed_on if self.place == "between" else x)
            return passed[-1]

        decoded = self.decode(embedding, mix)
        return Decoded(decoded, outputs[::-1], passed[::-1])

    def _mixed(self, number: int, decoded: Tensor, amplified: Tensor) -> tuple[Tensor, Tensor]:
        """What is given out, and what is passed on."""
        share = torch.softmax(self.mixing[number].float(), dim=0)
        if not self.stopped:
            mixed = share[0] * decoded + share[1] * amplified
            return mixed, mixed
        given_out = share[0] * decoded.detach() + share[1] * amplified.detach()
        share = share.detach()
        return given_out, share[0] * decoded + share[1] * amplified
