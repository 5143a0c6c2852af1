"""Networks whose answers depend on the batch: the evaluation batch is fixed and part of results."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from known_networks import FLOAT32, attack_row, noisy, trained_subject
from torch import nn

from passband import evaluation
from passband.attacks.pgd import pgd
from passband.draws import Draws, key_of
from passband.errors import UserError
from passband.evaluation import added, batches, frozen, perturbations, predictions
from passband.models.batch_moments import (
    EVALUATION_BATCH,
    InEvaluationBatches,
    cut,
    described,
    uses_batch_moments,
)
from passband.probes import PROBES

pytestmark = pytest.mark.usefixtures("strict")
NAME = "resnet8_batch_moments_w4"


@pytest.fixture(scope="module")
def model(lived_in) -> nn.Module:
    return lived_in(NAME, side=16)


@pytest.fixture
def on_a_gpu(monkeypatch) -> None:
    """The batch size of a GPU, on the CPU."""
    monkeypatch.setitem(evaluation.BATCH, "cpu", evaluation.BATCH["cuda"])


@given(count=st.integers(1, 9000))
def test_evaluation_batches_are_the_same_on_every_device(count):
    pieces = [
        [
            (part.start + piece.start, part.start + piece.stop)
            for part in cut(count, size)
            for piece in cut(part.stop - part.start, EVALUATION_BATCH)
        ]
        for size in (*evaluation.BATCH.values(), count)
    ]
    assert pieces[0] == pieces[1] == pieces[2]
    edges = [0, *(stop for _, stop in pieces[0])]
    assert [start for start, _ in pieces[0]] == edges[:-1] and edges[-1] == count
    sizes = [stop - start for start, stop in pieces[0]]
    assert set(sizes[:-1]) <= {EVALUATION_BATCH}
    assert EVALUATION_BATCH <= sizes[-1] < 2 * EVALUATION_BATCH or len(sizes) == 1


def test_the_answer_to_an_image_depends_on_those_beside_it(model):
    images = noisy(20) / 255
    alone, beside = model(images[:10]), model(images)[:10]
    assert not torch.allclose(alone, beside, atol=1e-3)


@pytest.mark.parametrize("count", [2, 99, 150, 201, 330])
def test_logits_are_those_of_batches_of_100_in_the_stored_order(model, count):
    images = noisy(count) / 255
    ends = {2: [2], 99: [99], 150: [150], 201: [100, 201], 330: [100, 200, 330]}[count]
    with torch.no_grad():
        expected = torch.cat(
            [model(images[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        )
        torch.testing.assert_close(frozen(model)(images), expected, atol=1e-5, rtol=1e-5)
    found = predictions(frozen(model), noisy(count), FLOAT32)
    assert torch.equal(found, expected.argmax(1))


def test_folding_leaves_the_moments_alone(model):
    measured = frozen(model)
    assert isinstance(measured, InEvaluationBatches) and uses_batch_moments(measured)
    kept = [one for one in measured.modules() if isinstance(one, nn.BatchNorm2d)]
    assert len(kept) == sum(isinstance(one, nn.BatchNorm2d) for one in model.modules()) == 6
    assert not any(parameter.requires_grad for parameter in measured.parameters())


def test_other_networks_are_not_cut_into_evaluation_batches(lived_in):
    other = frozen(lived_in("resnet8_plain_w4", side=16))
    assert not isinstance(other, InEvaluationBatches) and not uses_batch_moments(other)
    assert described(other) == {}


def test_run_json_says_what_the_results_depend_on(model):
    assert described(model) == {"evaluation_batch": {"images": 100, "order": "as stored"}}


@pytest.mark.parametrize("training", [False, True])
def test_a_batch_of_one_is_refused(model, training):
    with pytest.raises(UserError, match=r"a batch of one image, .*: give it at least two .*\.$"):
        copy.deepcopy(model).train(training)(noisy(1) / 255)


ATTACK = attack_row("two steps", epsilon="8/255", step_size="4/255", steps=2)


def test_an_attack_works_on_whole_evaluation_batches(model):
    images, labels = noisy(130), torch.arange(130) % 10
    found = perturbations(frozen(model), images, labels, ATTACK, 3, FLOAT32)
    clean = FLOAT32.images(images)
    draws = Draws(key_of(3, "attack", "two steps"), torch.arange(130))
    row = {key: ATTACK[key] for key in ("epsilon", "step_size", "steps", "start")}
    fixed = copy.deepcopy(model).requires_grad_(False)
    expected = pgd(fixed, clean, labels, draws, **row) - clean
    close = (found - expected).abs() < 1e-5
    assert close.float().mean() > 0.999  # a gradient of nearly zero may change its sign


@pytest.mark.usefixtures("on_a_gpu")
def test_noise_and_predictions_do_not_depend_on_the_device(model, monkeypatch):
    images, labels = noisy(410), torch.arange(410) % 10
    measured = frozen(model)
    one = perturbations(measured, images, labels, ATTACK, 0, FLOAT32)
    monkeypatch.setitem(evaluation.BATCH, "cpu", 100)
    assert torch.equal(perturbations(measured, images, labels, ATTACK, 0, FLOAT32), one)
    assert len(list(batches(410, FLOAT32))) == 4


@pytest.mark.parametrize(
    "attack",
    [
        ATTACK | {"restarts": 2},
        {"name": "square", "attack": "square", "epsilon": 0.05, "queries": 3, "initial_share": 0.8},
    ],
    ids=["restarts", "square"],
)
def test_attacks_that_drop_images_are_refused(model, attack):
    images = noisy(120)
    labels = predictions(frozen(model), images, FLOAT32).clone()
    labels[::2] = (labels[::2] + 1) % 10
    with pytest.raises(UserError, match=f"attack '{attack['name']}' drops images from the batch"):
        perturbations(frozen(model), images, labels, attack, 0, FLOAT32)


@pytest.mark.parametrize("probe", ["accuracy_under_attacks", "worst_case_accuracy"])
def test_images_that_are_broken_already_stay_in_the_batch(model, probe):
    images = noisy(130)
    labels = predictions(frozen(model), images, FLOAT32).clone()
    labels[::3] = (labels[::3] + 1) % 10
    subject = trained_subject(model, images, labels)
    attacks = [ATTACK, attack_row("one step", epsilon="1/255", step_size="1/255", steps=1)]
    found = PROBES[probe](subject, attacks=attacks)
    standing = predictions(subject.model, images, FLOAT32) == labels
    assert found.arrays["correct_clean"].tolist() == standing.int().tolist()
    name = "correct" if probe == "accuracy_under_attacks" else "survived"
    for attack, row in zip(attacks, found.arrays[name], strict=True):
        noise = perturbations(subject.model, images, labels, attack, 0, FLOAT32)
        alone = predictions(subject.model, images, FLOAT32, added(noise)) == labels
        expected = alone & standing
        standing = standing if probe == "accuracy_under_attacks" else expected
        assert row.tolist() == expected.int().tolist()
