"""A training step as a CUDA graph: captured once, replayed for every batch.

A step of PGD-7 on a small network launches some 1,600 kernels, and to launch one takes the host
longer than the GPU needs to run it. A graph launches all of them at once. It replays addresses and
numbers as they were when it was captured; whatever changes from step to step is therefore kept in
tensors: the batch, the learning rate, and what is computed from the epoch and the batch's number
(`passband.draws.Clock`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from passband.attacks import LogitsOf
from passband.compute import ENGINE, Compute
from passband.draws import Clock
from passband.errors import UserError
from passband.training.step import Step, parts_of, training_step

WARM_UP = 3  # steps before a capture, which choose and compile kernels and make optimiser state


def stepping(
    model: nn.Module,
    optimizer: Optimizer,
    recipe: dict,
    seed: int,
    compute: Compute,
    average: LogitsOf | None = None,
    classes: int = 0,
    batches: int = 1,
) -> Step:
    """`training_step`, replayed from graphs unless the engine is eager.

    A graph is captured for every batch size and every set of active parts. Only the first size is
    compiled, not that of an epoch's smaller last batch. The tensors of `average` and the
    optimiser's learning rates (see `make_replayable`) may change in place only.
    """
    step = training_step(model, optimizer, recipe, seed, compute, average, classes, batches)
    if compute.engine == "eager":
        return step
    uncompiled = compute.with_engine("graphs")
    other = training_step(model, optimizer, recipe, seed, uncompiled, average, classes, batches)
    starts = [part.start for part in parts_of(recipe)]
    replays: dict[tuple[int, int], Step] = {}

    def replayed(images: Tensor, labels: Tensor, indices: Tensor, epoch: int, number: int = 0):
        size, active = len(images), sum(epoch >= start for start in starts)
        first = next(iter(replays), (size,))[0]
        if (size, active) not in replays:
            batch = images, labels, indices
            with undone(model, optimizer):
                chosen = step if size == first else other
                replays[size, active] = captured(chosen, batch, epoch, number)
        return replays[size, active](images, labels, indices, epoch, number)

    return replayed


def captured(step: Step, batch: tuple[Tensor, ...], epoch: int, number: int) -> Step:
    """Capture a step in a CUDA graph; the result replays it on batches of the same shapes.

    The warm-up advances the training by `WARM_UP` steps, see `undone`. What a replay returns is
    overwritten by the next one.

    Raises:
        UserError: the step waits for the GPU or does something else that cannot be captured.
    """
    inputs, clock, stream = [each.clone() for each in batch], Clock(), torch.cuda.Stream()

    def run() -> tuple[Tensor, Tensor]:
        clock.set(epoch, number)
        return step(*inputs, clock.epoch, clock.number)

    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, stream=stream):
            outputs = run()  # the clock stands still, so that it fills no tensor in the capture
    except RuntimeError as error:
        if "captur" not in str(error):
            raise
        raise UserError(
            f"a training step cannot be captured as a CUDA graph ({error}): run with "
            f"{ENGINE}=eager, which is slower."
        ) from error

    def replay(images: Tensor, labels: Tensor, indices: Tensor, epoch: int, number: int = 0):
        for place, given in zip(inputs, (images, labels, indices), strict=True):
            place.copy_(given)
        clock.set(epoch, number)
        graph.replay()
        return outputs

    return replay


@contextmanager
def undone(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Undo what the block does to weights, batch statistics, optimiser state and random numbers.

    Optimiser state that is created in the block is set to zero, its initial value.
    """
    before = {id(each): each.detach().clone() for each in changing(model, optimizer)}
    generator = torch.cuda.get_rng_state()
    yield
    torch.cuda.set_rng_state(generator)
    for each in changing(model, optimizer):
        each.detach().copy_(before[id(each)]) if id(each) in before else each.zero_()


def changing(model: nn.Module, optimizer: Optimizer) -> Iterator[Tensor]:
    """The tensors that a training step changes in place."""
    yield from model.parameters()
    yield from model.buffers()
    for state in optimizer.state.values():
        yield from (each for each in state.values() if isinstance(each, Tensor))
