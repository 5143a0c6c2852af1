"""AutoAttack's parts: against pyautoattack on a trained network, closed forms, their promises."""

from dataclasses import dataclass
from functools import partial
from math import ceil, sqrt

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pyautoattack import AutoAttack
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
from pyautoattack.fab_projections import projection_linf
from pyautoattack.fab_pt import FABAttack_PT
from pyautoattack.square import SquareAttack
from scipy.optimize import linprog
from torch import Tensor, nn

from passband import models
from passband.attacks import ATTACKS, craft
from passband.attacks.apgd import apgd, cross_entropy, dlr_targeted, windows
from passband.attacks.fab import fab, to_boundary
from passband.attacks.fgsm import fgsm
from passband.attacks.square import blocks, square
from passband.attacks.standing import in_few_sizes, likely_targets
from passband.data.preparation import prepare
from passband.data.storage import load
from passband.draws import Draws
from passband.errors import UserError
from passband.plan.rows import resolve_row

IMAGES = 150
EPSILONS = (16 / 255, 32 / 255)
STEPS, QUERIES = 30, 400
SHORT = {
    "apgd-ce": partial(apgd, loss="cross_entropy", steps=STEPS),
    "apgd-t": partial(apgd, loss="dlr_targeted", steps=STEPS, target_classes=3),
    "fab-t": partial(fab, steps=STEPS, target_classes=3),
    "square": partial(square, queries=QUERIES, initial_share=0.8),
}
TINY = {
    "apgd-ce": partial(apgd, loss="cross_entropy", steps=8),
    "apgd-t": partial(apgd, loss="dlr_targeted", steps=8, target_classes=2),
    "fab-t": partial(fab, steps=8, target_classes=2),
    "square": partial(square, queries=60, initial_share=0.8),
}
every_attack = pytest.mark.parametrize("name", list(TINY))


@dataclass(frozen=True)
class Drawn:
    """Stands in for Draws: uniform numbers from torch's global stream, as the reference's."""

    count: int

    def take(self, chosen: Tensor) -> "Drawn":
        return Drawn(len(chosen))

    def uniform(self, purpose: object, shape: tuple[int, ...]) -> Tensor:
        return torch.rand(self.count, *shape)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    """(robust network, test images [150, 1, 16, 16] that it gets right, their labels).

    Fashion-MNIST at half size, two epochs of adversarial training with one step each.
    """
    folder = tmp_path_factory.mktemp("data")
    prepare("fashion-mnist-sample", folder)
    (images, labels), (test, true) = (
        (F.avg_pool2d(part.images.float() / 255, 2), part.labels)
        for part in (load(folder, "train"), load(folder, "test"))
    )
    model = models.build("resnet8_w8", 1, 10, 16, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(150):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 150)
        chosen = torch.arange(64 * step, 64 * (step + 1)) % len(images)
        shown, aim = images[chosen], labels[chosen]
        shown = fgsm(model.eval(), shown, aim, draws(64), epsilon=EPSILONS[0])
        optimizer.zero_grad()
        F.cross_entropy(model.train()(shown), aim).backward()
        optimizer.step()
    model.eval().requires_grad_(False)
    right = judged(model, test, true).nonzero()[:IMAGES, 0]
    return model, test[right], true[right]


def draws(count: int, key: int = 0) -> Draws:
    return Draws(key, torch.arange(count))


def judged(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(1) == labels


def linear(size: int, classes: int, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(size, classes, dtype=torch.float64))


def reference(name: str, model: nn.Module, epsilon: float):
    """The reference's attack with the constants of SHORT."""
    shared = {"eps": epsilon, "norm": "Linf", "seed": 0, "device": "cpu"}
    if name == "apgd-ce":
        return APGDAttack(model, n_iter=STEPS, loss="ce", **shared)
    if name == "apgd-t":
        return APGDAttack_targeted(model, n_iter=STEPS, n_target_classes=3, **shared)
    if name == "fab-t":
        return FABAttack_PT(model, n_iter=STEPS, targeted=True, n_target_classes=3, **shared)
    return SquareAttack(model, n_queries=QUERIES, resc_schedule=False, **shared)


def fallen_in_turn(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """The verdict of all four attacks of SHORT, each on the images that stand: true where one does.

    The gradient attacks start where the reference starts.
    """
    alive = torch.arange(len(images))
    for name, attack in SHORT.items():
        torch.manual_seed(0)
        given = draws(len(alive)) if name == "square" else Drawn(len(alive))
        found = attack(model, images[alive], labels[alive], given, epsilon=epsilon)
        alive = alive[judged(model, found, labels[alive])]
    return torch.zeros(len(images), dtype=torch.bool).index_fill(0, alive, True)


# The reference


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("name", ["apgd-ce", "apgd-t", "fab-t"])
def test_the_same_images_fall_as_in_the_reference_from_the_same_starts(subject, name, epsilon):
    model, images, labels = subject
    theirs = reference(name, model, epsilon).perturb(images, labels)
    torch.manual_seed(0)
    ours = SHORT[name](model, images, labels, Drawn(len(images)), epsilon=epsilon)
    stands = judged(model, ours, labels)
    assert torch.equal(stands, judged(model, theirs, labels))
    assert 0.05 < stands.float().mean() < 0.95, "both must occur for this test to tell"


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_square_fells_as_many_images_as_the_reference(subject, epsilon):
    """The reference shares one square among all images of a batch, so single images may differ.

    If both searches are equally strong, each image on which they differ has fallen to either with
    the same chance, and the surplus of one side over d such images has the standard deviation
    sqrt(d). How many images are close enough to differ depends on the network that was trained
    here, and its last digits on the machine.
    """
    model, images, labels = subject
    theirs = judged(model, reference("square", model, epsilon).perturb(images, labels), labels)
    ours = judged(
        model, SHORT["square"](model, images, labels, draws(IMAGES), epsilon=epsilon), labels
    )
    assert 0.05 < ours.float().mean() < 0.95
    differing, surplus = (ours != theirs).sum().item(), (ours.sum() - theirs.sum()).item()
    assert differing <= 0.1 * IMAGES
    assert abs(surplus) <= 3 * sqrt(differing)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_the_verdict_of_the_four_in_turn_is_the_references(subject, epsilon):
    """But for the images that Square, with few queries, finds or misses by chance."""
    model, images, labels = subject
    ensemble = AutoAttack(
        model,
        eps=epsilon,
        seed=0,
        version="custom",
        attacks=["apgd-ce", "apgd-t", "fab-t", "square"],
    )
    ensemble.apgd = reference("apgd-ce", model, epsilon)
    ensemble.apgd_targeted = reference("apgd-t", model, epsilon)
    ensemble.fab = reference("fab-t", model, epsilon)
    ensemble.square = reference("square", model, epsilon)
    theirs, _ = ensemble.run_standard_evaluation(images, labels)
    ours = fallen_in_turn(model, images, labels, epsilon)
    assert (ours != judged(model, theirs, labels)).sum() <= 0.02 * IMAGES


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 40), scale=st.floats(0.01, 30))
def test_projection_equals_the_references(seed, size, scale):
    torch.manual_seed(seed)
    points, weights = torch.rand(7, size), torch.randn(7, size)
    points[torch.rand(7, size) < 0.3] = 0
    points[torch.rand(7, size) < 0.1] = 1
    weights[torch.rand(7, size) < 0.2] = 0
    values = scale * torch.randn(7)
    theirs = projection_linf(points, weights, (weights * points).sum(1) - values)
    torch.testing.assert_close(
        to_boundary(points, values, weights), theirs, atol=2e-5 * max(1, scale), rtol=1e-4
    )


# Closed forms and plain implementations


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 6), scale=st.floats(0.01, 3))
def test_projection_is_the_smallest_step_of_a_linear_program(seed, size, scale):
    rng = np.random.default_rng(seed)
    point, weight, value = rng.random(size), rng.normal(size=size), scale * rng.normal(size=())
    step = to_boundary(*(torch.tensor(each)[None] for each in (point, value, weight)))[0].numpy()
    assert ((point + step >= -1e-12) & (point + step <= 1 + 1e-12)).all()
    ones = np.ones((size, 1))
    exact = linprog(
        np.append(np.zeros(size), 1),
        A_ub=np.block([[np.eye(size), -ones], [-np.eye(size), -ones]]),
        b_ub=np.zeros(2 * size),
        A_eq=np.append(weight, 0)[None],
        b_eq=[-value],
        bounds=[*zip(-point, 1 - point, strict=True), (0, None)],
    )
    if exact.status == 0:
        assert np.abs(step).max() == pytest.approx(exact.fun, abs=1e-6)
        assert value + weight @ step == pytest.approx(0, abs=1e-9)
    else:
        corner = np.where(-value * weight > 0, 1 - point, -point)
        np.testing.assert_allclose(step, corner, atol=1e-12)


def test_projection_of_a_point_on_the_plane_or_without_weights_stays():
    points = torch.rand(2, 5)
    weights = torch.stack((torch.randn(5), torch.zeros(5)))
    assert not to_boundary(points, torch.tensor([0.0, 0.3]), weights).any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(4, 20))
def test_losses_equal_their_definitions(seed, classes):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(9, classes))
    labels, targets = rng.integers(0, classes, 9), rng.integers(0, classes, 9)
    rows = np.arange(9)
    given = [torch.tensor(each) for each in (logits, labels, targets)]
    surprise = np.log(np.exp(logits).sum(1)) - logits[rows, labels]
    np.testing.assert_allclose(cross_entropy(*given), surprise, rtol=1e-12)
    falling = -np.sort(-logits)
    spread = falling[:, 0] - (falling[:, 2] + falling[:, 3]) / 2
    ratio = -(logits[rows, labels] - logits[rows, targets]) / spread
    np.testing.assert_allclose(dlr_targeted(*given), ratio, rtol=1e-9)
    moved = dlr_targeted(5 * given[0] - 3, *given[1:])
    np.testing.assert_allclose(moved, ratio, rtol=1e-9)


def test_checkpoints_are_the_papers():
    shares = [0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    ends = [ceil(round(share * 100, 6)) for share in shares[1:] if share <= 1]
    assert list(windows(100)) == ends


@given(steps=st.integers(1, 300))
def test_checkpoints_follow_each_other(steps):
    found = windows(steps)
    assert list(found) == np.cumsum(list(found.values())).tolist()
    assert min(found) >= 1 and max(found) <= steps


def test_squares_shrink_as_in_the_reference():
    for height, width, queries in ((32, 32, 10_000), (28, 28, 5000), (9, 5, 300), (4, 4, 7)):
        theirs = SquareAttack(None, eps=0.1, resc_schedule=False)
        shares = [theirs.p_selection(query) for query in range(queries)]
        expected = [
            min(max(round((share * height * width) ** 0.5), 1), height, width) for share in shares
        ]
        got = list(blocks(queries, 0.8, height, width))
        assert [side for _, count, side in got for _ in range(count)] == expected
        counts = [count for _, count, _ in got]
        assert [first for first, _, _ in got] == [0, *np.cumsum(counts)[:-1]]


def plain_square(model, image, label, image_draws, epsilon, queries, share) -> np.ndarray:
    """Algorithm 1 for one image, one query at a time, without skipping any."""
    channels, height, width = image.shape
    clean = image.numpy()
    low, high = np.clip(clean - epsilon, 0, 1), np.clip(clean + epsilon, 0, 1)

    def margin(x: np.ndarray) -> float:
        logits = model(torch.tensor(x)[None])[0]
        return float(logits[label] - max(logits[torch.arange(len(logits)) != label]))

    up = image_draws.signs(("stripes", 0), (channels, 1, width))[0].numpy()
    best = np.where(up > 0, high, low)
    lowest = margin(best)
    for first, count, side in blocks(queries, share, height, width):
        tops = image_draws.integers(("top", 0, first), height - side + 1, (count,))[0]
        lefts = image_draws.integers(("left", 0, first), width - side + 1, (count,))[0]
        signs = image_draws.signs(("sign", 0, first), (count, channels))[0]
        for top, left, sign in zip(tops.tolist(), lefts.tolist(), signs.numpy(), strict=True):
            if lowest < 0:
                return best
            proposed = best.copy()
            for channel in range(channels):
                place = (channel, slice(top, top + side), slice(left, left + side))
                moved = best[place] + 2 * epsilon * sign[channel]
                proposed[place] = np.clip(moved, low[place], high[place])
            found = margin(proposed)
            if found < lowest:
                best, lowest = proposed, found
    return best


@pytest.mark.parametrize(("channels", "epsilon"), [(1, 0.1), (3, 0.05)])
def test_square_equals_a_plain_implementation(channels, epsilon):
    torch.manual_seed(0)
    images = torch.rand(12, channels, 8, 7, dtype=torch.float64)
    model = nn.Sequential(
        nn.Conv2d(channels, 8, 3, dtype=torch.float64),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(240, 5, dtype=torch.float64),
    ).requires_grad_(False)
    labels = model(images).argmax(1)
    got = square(model, images, labels, draws(12), epsilon=epsilon, queries=300, initial_share=0.8)
    assert 0 < judged(model, got, labels).sum() < 12, "both must occur for this test to tell"
    for i in range(12):
        expected = plain_square(
            model, images[i], labels[i], draws(12).take(torch.tensor([i])), epsilon, 300, 0.8
        )
        np.testing.assert_allclose(got[i], expected, atol=1e-12)


def least_radius(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The smallest l-infinity ball in which a linear model can be fooled, by bisection [N]."""
    weight = model[1].weight
    others = weight[None] - weight[labels][:, None]
    low, high = torch.zeros(len(images)), torch.ones(len(images))
    for _ in range(40):
        radius = (low + high) / 2
        flat = images.flatten(1)[:, None]
        corners = (flat + radius[:, None, None] * others.sign()).clamp(0, 1)
        scores = (corners * others).sum(2) + model[1].bias - model[1].bias[labels][:, None]
        scores = scores.scatter(1, labels[:, None], -torch.inf)
        fools = scores.amax(1) > 0
        low, high = torch.where(fools, low, radius), torch.where(fools, radius, high)
    return high


@pytest.mark.parametrize("name", ["apgd-t", "fab-t"])
def test_on_a_linear_model_exactly_the_images_fall_that_can(name):
    torch.manual_seed(5)
    images = torch.rand(60, 1, 6, 6, dtype=torch.float64)
    images[images < 0.2] = 0
    model = linear(36, 6).requires_grad_(False)
    model[1].bias -= model(images).mean(0)
    labels = model(images).argmax(1)
    radius = least_radius(model, images, labels)
    epsilon = radius.median().item() * 1.001
    attack = partial(SHORT[name], epsilon=epsilon, steps=100, target_classes=5)
    stands = judged(model, attack(model, images, labels, draws(60)), labels)
    clear = (radius / epsilon - 1).abs() > 0.002
    assert clear.sum() > 50
    assert torch.equal(stands[clear], (radius > epsilon)[clear])


# Promises


@every_attack
@settings(max_examples=15, deadline=None)
@given(
    epsilon=st.floats(0, 1),
    shape=st.sampled_from([(1, 6, 6), (3, 5, 7), (2, 1, 1)]),
    binary=st.booleans(),
    key=st.integers(0, 1000),
)
def test_results_stay_in_the_ball_and_in_the_pixel_range(name, epsilon, shape, binary, key):
    images = Draws(key, torch.arange(5)).uniform("image", shape)
    images = images.round() if binary else images
    model = linear(images[0].numel(), 5, key).float()
    labels = model(images).argmax(1)
    labels[0] = (labels[0] + 1) % 5
    before = images.clone()
    attack = partial(TINY[name], epsilon=epsilon, restarts=2)
    with torch.no_grad():
        got = attack(model, images, labels, draws(5, key))
    assert got.min() >= 0 and got.max() <= 1
    assert (got - images).abs().max() <= epsilon + 1e-6
    assert torch.equal(images, before), "the caller's images were changed"
    assert torch.equal(got[0], images[0]), "a wrong image is not attacked"
    assert got.dtype == torch.float32 and not got.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(got, attack(model, images, labels, draws(5, key)))


@every_attack
def test_results_do_not_depend_on_the_batch(subject, name):
    model, images, labels = subject
    model, images, labels = model.double(), images[:24].double(), labels[:24]
    attack = partial(TINY[name], epsilon=EPSILONS[1], restarts=2)
    whole = attack(model, images, labels, draws(24))
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    for part in (order[:1], order[1:9], order[9:]):
        found = attack(model, images[part], labels[part], draws(24).take(part))
        torch.testing.assert_close(found, whole[part], atol=1e-7, rtol=0)
    assert 0 < judged(model, whole, labels).sum() < 24
    model.float()


@every_attack
def test_more_restarts_fell_no_fewer(subject, name):
    model, images, labels = subject
    attack = partial(TINY[name], epsilon=EPSILONS[0])
    first, last = (
        attack(model, images, labels, draws(IMAGES), restarts=restarts) for restarts in (1, 3)
    )
    once, thrice = judged(model, first, labels), judged(model, last, labels)
    assert not (thrice & ~once).any()
    again = once & (first != last).flatten(1).any(1)
    assert name in ("apgd-t", "fab-t") or again.any(), "images that stand are attacked again"


@every_attack
def test_images_that_are_wrong_already_cost_one_call(subject, name):
    model, images, labels = subject
    calls = []

    def counting(x: Tensor) -> Tensor:
        calls.append(len(x))
        return model(x)

    got = TINY[name](counting, images[:9], (labels[:9] + 1) % 10, draws(9), epsilon=0.1, restarts=3)
    assert torch.equal(got, images[:9]) and calls == [9]


@every_attack
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_few_classes(name, classes):
    torch.manual_seed(0)
    images = torch.rand(20, 1, 5, 5, dtype=torch.float64)
    model = linear(25, classes).requires_grad_(False)
    labels = model(images).argmax(1)
    more = {"target_classes": 9} if name in ("apgd-t", "fab-t") else {}
    attack = partial(TINY[name], epsilon=0.5, **more)
    if name == "apgd-t" and classes < 4:
        with pytest.raises(UserError, match=f"at least 4 classes, and the model has {classes}"):
            attack(model, images, labels, draws(20))
    else:
        assert not judged(model, attack(model, images, labels, draws(20)), labels).all()


@every_attack
def test_nothing_is_used_that_may_differ_from_run_to_run(subject, name):
    """Measuring jobs forbid what has no deterministic algorithm."""
    model, images, labels = subject
    torch.set_deterministic_debug_mode("error")
    try:
        TINY[name](model, images[:9], labels[:9], draws(9), epsilon=EPSILONS[1], restarts=2)
    finally:
        torch.set_deterministic_debug_mode("default")


@every_attack
def test_one_image_and_none(subject, name):
    model, images, labels = subject
    attack = partial(TINY[name], epsilon=EPSILONS[1])
    assert attack(model, images[:1], labels[:1], draws(1)).shape == (1, 1, 16, 16)
    assert attack(model, images[:0], labels[:0], draws(0)).shape == (0, 1, 16, 16)


def test_targets_are_the_likeliest_wrong_classes():
    logits = torch.tensor([[0.0, 3, 2, 1], [0, 3, 2, 1]])
    labels = torch.tensor([1, 2])
    assert likely_targets(logits, labels, 2).tolist() == [[2, 3], [1, 3]]
    assert likely_targets(logits, labels, 9).tolist() == [[2, 3, 0], [1, 3, 0]]


def test_networks_see_few_batch_sizes_and_the_result_is_theirs():
    sizes = set()
    inner = linear(4, 3).float()

    def spying(x: Tensor) -> Tensor:
        sizes.add(len(x))
        return inner(x)

    for count in range(1, 1001):
        images = torch.rand(count, 1, 2, 2, requires_grad=True)
        logits = in_few_sizes(spying)(images)
        torch.testing.assert_close(logits, inner(images))
        (gradient,) = torch.autograd.grad(logits.sum(), images)
        assert gradient.shape == images.shape
        assert max(sizes) <= count * 9 / 8
        sizes_until_now = len(sizes)
    assert sizes_until_now <= 64


# Rows of the configuration


@pytest.mark.parametrize(
    "row",
    [
        {"attack": "apgd", "loss": "cross_entropy", "epsilon": "8/255", "steps": 3},
        {"attack": "apgd", "loss": "dlr_targeted", "epsilon": 0.1, "steps": 3, "target_classes": 9},
        {"attack": "fab", "epsilon": 0.1, "steps": 3, "target_classes": 9},
        {"attack": "square", "epsilon": 0.1, "queries": 5, "initial_share": 0.8},
    ],
)
def test_rows_are_resolved_and_run(subject, row):
    model, images, labels = subject
    attack = resolve_row("attack", "mine", row, {})
    constants = {key: attack[key] for key in row if key != "attack"}
    expected = ATTACKS[row["attack"]](model, images[:5], labels[:5], draws(5), **constants)
    assert torch.equal(craft(attack, model, images[:5], labels[:5], draws(5)), expected)


@pytest.mark.parametrize(
    "change",
    [{"loss": "dlr"}, {"target_classes": 3}, {"loss": "dlr_targeted"}],
)
def test_apgd_refuses_losses_and_targets_that_do_not_fit(change):
    images, labels = torch.rand(2, 1, 2, 2), torch.arange(2)
    row = {"loss": "cross_entropy", "epsilon": 0.1, "steps": 3} | change
    with pytest.raises(UserError, match="expected cross_entropy without them or dlr_targeted"):
        apgd(linear(4, 5).float(), images, labels, draws(2), **row)
