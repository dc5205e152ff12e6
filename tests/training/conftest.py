"""A tiny module and context for the training loop."""

import pytest
import torch

from dcrdf.config.options import TrainOptions
from dcrdf.training.loop import FitContext


@pytest.fixture
def make_context(tmp_path):
    """A CPU context; every call may have its own folder and options."""

    def make(folder="model", seed=3, announce=lambda *_: None, record="record", **options):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        chosen = TrainOptions(**{"epochs": 4, "batch_size": 3, "cpu_threads": 1, **options})
        return FitContext(path, seed, record, chosen, torch.device("cpu"), announce)

    return make
