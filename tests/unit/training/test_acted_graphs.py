"""Replayed steps equal eager ones bit for bit, with CUDA graphs emulated on the CPU."""

import pytest
import torch
from acted import Graph, act_out
from kinds import KINDS, differences, trained

from passband.compute import Compute
from passband.training import engine
from passband.training.optimisers import make_replayable

pytestmark = pytest.mark.usefixtures("strict")

EAGER = Compute(torch.device("cpu"), torch.float32)
GRAPHS = EAGER.with_engine("graphs")
SHORTER = {"epochs": 4, "schedule": {"kind": "steps", "milestones": [2], "factors": [0.1]}}


@pytest.fixture
def graphs(monkeypatch):
    """Emulated CUDA graphs, and optimisers as they are on a GPU."""
    act_out(monkeypatch)
    built = engine.optimizer_of

    def replayable(model, recipe, compute):
        optimizer = built(model, recipe, compute)
        make_replayable(optimizer, compute.device)
        return optimizer

    monkeypatch.setattr(engine, "optimizer_of", replayable)


@pytest.mark.parametrize("kind", KINDS)
def test_a_replayed_training_equals_an_eager_one(tmp_path, kind, graphs):
    eager = trained(tmp_path / "eager", kind, EAGER, SHORTER)
    replayed = trained(tmp_path / "replayed", kind, GRAPHS, SHORTER)
    assert differences(eager, replayed) == []


def test_a_number_of_python_is_frozen():
    """As in a CUDA graph: the other tests rely on this."""
    x, total, rates = torch.ones(3), torch.zeros(3), [1.0, torch.tensor(1.0)]
    with Graph() as graph:
        total += rates[0] * x + rates[1] * x
    rates[0] = 5.0
    rates[1].fill_(10.0)
    graph.replay()
    assert total.tolist() == [2.0 + 11.0] * 3
