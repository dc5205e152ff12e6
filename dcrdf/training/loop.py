"""The training loop that every detector trained in epochs shares."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dcrdf.config.options import TrainOptions
from dcrdf.errors import UserError
from dcrdf.training.log import TrainingLog
from dcrdf.training.order import batch_size_for, epoch_batches
from dcrdf.training.state import resume_state, save_state

STATE = "state.safetensors"
STATES = "state*.safetensors"
"""Those of all stages."""
STATE_INTERVAL_S = 60.0
SAVING_SHARE = 20.0
"""A state is saved after so many times the time that saving it took: large ones more rarely."""
Losses = dict[str, Tensor]


class TrainingStep(Protocol):
    """Losses of the given rows in an epoch; their sum is minimised. A loss may be left out of some
    batches: an epoch's mean is over those that have it."""

    def __call__(self, rows: NDArray[np.intp], epoch: int, /) -> Losses: ...


@dataclass(frozen=True)
class FitContext:
    """Where and how a training runs; `folder` holds its state and TensorBoard events."""

    folder: Path
    seed: int
    record: str
    options: TrainOptions
    device: torch.device
    announce: Callable[[int, int, Mapping[str, float]], None] = lambda *_: None
    """Called after each epoch with (epochs done, epochs, mean losses)."""
    announce_resumed: Callable[[int, int], None] = lambda *_: None
    """Called before the first epoch of a training that goes on, with (epochs done, epochs)."""
    say: Callable[[str], None] = lambda _: None
    """Called with what a detector found out about its training images."""
    losses: list[dict[str, Any]] = field(default_factory=list)
    """Filled with the log's rows, of one stage after the other."""
    stage_name: str = ""
    """Of a training in several stages: whose state and columns these are."""

    def stage(self, name: str, **train: Any) -> "FitContext":
        """The context of one stage of several, each with a state and columns of its own; `train`
        may change its options. A finished stage keeps its state, so that a training that is killed
        in a later one does not repeat it."""
        options = self.options.model_copy(update=train)
        return replace(self, stage_name=name, options=options, record=f"{self.record} {name}")

    @property
    def state_path(self) -> Path:
        """Where the state of this stage is kept while the training lasts."""
        if not self.stage_name:
            return self.folder / STATE
        return self.folder / STATE.replace(".", f"-{self.stage_name}.", 1)

    def autocast(self) -> torch.autocast:
        """bfloat16 where the options and the device say so."""
        wanted = self.options.precision == "bfloat16"
        if self.options.precision == "auto":
            wanted = self.device.type == "cuda"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted)


def train_in_epochs(
    module: nn.Module,
    step: TrainingStep,
    sample_count: int,
    context: FitContext,
    optimizer: torch.optim.Optimizer | None = None,
) -> None:
    """Minimise the step's losses over all epochs, resuming a state of the same record.

    Another optimiser than `make_optimizer`'s may be given. Raises `UserError` when a loss is not
    finite.
    """
    options = context.options
    if optimizer is None:
        optimizer = make_optimizer(module, options, context.device)
    progress = resume_state(context.state_path, module, optimizer, context.record)
    if progress.epochs_done:
        context.announce_resumed(progress.epochs_done, options.epochs)
    batch_size = batch_size_for(options, sample_count)
    if batch_size != options.batch_size:
        context.say(f"batches of {batch_size}: {options.min_steps} steps are asked for")
    log = TrainingLog(context.folder / "tensorboard" / context.stage_name, progress.rows)
    saved_at, save_s, path = time.monotonic(), 0.0, context.state_path
    module.train()
    for epoch in range(progress.epochs_done, options.epochs):
        started = time.monotonic()
        _set_learning_rate(optimizer, options, epoch)
        batches = epoch_batches(sample_count, batch_size, context.seed, epoch)
        means = _run_epoch(step, optimizer, batches, epoch, context)
        log.add(epoch, means, time.monotonic() - started)
        context.announce(epoch + 1, options.epochs, means)
        progress.epochs_done = epoch + 1
        is_last = progress.epochs_done == options.epochs
        is_due = time.monotonic() - saved_at > max(STATE_INTERVAL_S, SAVING_SHARE * save_s)
        if (is_due and not is_last) or (is_last and context.stage_name):
            save_s = _timed(lambda: save_state(path, module, optimizer, progress, context.record))
            saved_at = time.monotonic()
    module.eval()
    log.close()
    stage = {"stage": context.stage_name} if context.stage_name else {}
    context.losses.extend({**stage, **row} for row in log.rows)


def _timed(call: Callable[[], None]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def make_optimizer(
    module: nn.Module, options: TrainOptions, device: torch.device, weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """Adam over the module's trainable parameters; `weight_decay` is added to their gradients."""
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return torch.optim.Adam(
        trainable,
        lr=options.learning_rate,
        betas=options.betas,
        weight_decay=weight_decay,
        fused=device.type == "cuda",
    )


def _set_learning_rate(optimizer: torch.optim.Optimizer, options: TrainOptions, epoch: int) -> None:
    rate = options.learning_rate
    if options.schedule == "cosine":
        rate *= 0.5 * (1.0 + math.cos(math.pi * epoch / options.epochs))
    elif options.schedule == "exponential":
        rate *= options.decay**epoch
    for group in optimizer.param_groups:
        group["lr"] = rate


def _run_epoch(
    step: TrainingStep,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[NDArray[np.intp]],
    epoch: int,
    context: FitContext,
) -> dict[str, float]:
    sums: dict[str, Any] = {}
    counts: Counter[str] = Counter()
    for rows in batches:
        with context.autocast():
            losses = step(rows, epoch)
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
        if not torch.isfinite(total):
            raise _not_finite(losses, epoch, context)
        optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for name, loss in {**losses, "total": total}.items():
            sums[name] = sums.get(name, 0.0) + loss.detach().float()
            counts[name] += 1
    return {name: float(value) / counts[name] for name, value in sums.items()}


def _not_finite(losses: Losses, epoch: int, context: FitContext) -> UserError:
    values = {name: float(loss.detach()) for name, loss in losses.items()}
    name = next((name for name, value in values.items() if not math.isfinite(value)), "total")
    return UserError(
        f"{context.folder}: loss {name!r} is {values.get(name, math.inf)} in epoch {epoch};"
        " lower learning_rate or look at the prepared data with `dcrdf check`"
    )
