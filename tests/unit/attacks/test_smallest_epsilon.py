"""Searches for the smallest epsilon: an independent implementation, closed forms, their edges."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband.attacks import ATTACKS, is_exact
from passband.attacks.fgsm_search import fgsm_search, first_fooling
from passband.attacks.pgd_search import pgd_search
from passband.draws import Draws
from passband.errors import UserError
from passband.options import Known
from passband.plan.rows import resolve_row

pytestmark = pytest.mark.usefixtures("strict")

FGSM = {"largest": 1.0, "sizes": 1000, "finer": 20}
PGD = {"first": 0.3, "growth": 1.5, "tries": 20, "steps": 40, "step_share": 1 / 30}
SEARCHES = [(fgsm_search, FGSM), (pgd_search, PGD | {"tries": 8, "steps": 10})]
N = 24


@pytest.fixture(scope="module")
def subject():
    """(small network in double precision, images, labels of which it gets three in four right).

    The logits are centred over the images, so that several classes occur and distances differ.
    """
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.Tanh(), nn.Conv2d(6, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(96, 5)
    )
    model.double().requires_grad_(False)
    images = torch.rand(N, 1, 8, 8, dtype=torch.float64)
    model[-1].bias -= model(images).mean(0)
    labels = model(images).argmax(1)
    labels[::4] = (labels[::4] + 1) % 5
    return model, images, labels


def norms(search, model, images: Tensor, labels: Tensor, **constants) -> np.ndarray:
    """The norms of what a search finds: 0 where it gives an image back."""
    draws = Draws(0, torch.arange(len(images)))
    found = search(model, images, labels, draws, **constants)
    assert found.shape == images.shape and found.min() >= 0 and found.max() <= 1
    return (found - images).abs().amax((1, 2, 3)).numpy()


class Plain:
    """The two searches for one image, one forward pass at a time, in NumPy."""

    def __init__(self, model, image: Tensor, label: Tensor):
        self.model, self.clean, self.label = model, image.numpy(), label
        self.nearest = np.inf

    def fools(self, image: np.ndarray) -> bool:
        logits = self.model(torch.from_numpy(image)[None])[0]
        wrong = bool(logits.argmax() != self.label)
        if wrong:
            self.nearest = min(self.nearest, np.abs(image - self.clean).max())
        return wrong

    def sign(self, image: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(image)[None].requires_grad_()
        F.cross_entropy(self.model(x), self.label[None]).backward()
        return np.sign(x.grad[0].numpy())

    def line(self, largest: float, sizes: int, finer: int) -> float:
        direction, values = self.sign(self.clean), np.linspace(0, largest, sizes + 1)[1:]
        for number, size in enumerate(values):
            if self.fools(np.clip(self.clean + size * direction, 0, 1)):
                if number < finer:
                    for smaller in np.linspace(0, size, finer + 1)[1:]:
                        if self.fools(np.clip(self.clean + smaller * direction, 0, 1)):
                            break
                break
        return self.nearest

    def run(self, epsilon: float, steps: int, step_share: float) -> bool:
        x = self.clean
        for _ in range(steps):
            moved = x + step_share * epsilon * self.sign(x) - self.clean
            x = np.clip(self.clean + np.clip(moved, -epsilon, epsilon), 0, 1)
            if self.fools(x):
                return True
        return False

    def bisection(self, first, growth, tries, steps, step_share) -> float:
        high, low = first, 0.0
        for _ in range(tries):
            if self.run(high, steps, step_share):
                break
            high *= growth
        else:
            return self.nearest
        for _ in range(tries):
            middle = (low + high) / 2
            if self.run(middle, steps, step_share):
                high = middle
            else:
                low = middle
        return self.nearest


def plain_norms(search, model, images, labels, **constants) -> np.ndarray:
    """The norms by `Plain`: 0 where an image is wrong already or is not fooled."""
    name = {fgsm_search: "line", pgd_search: "bisection"}[search]
    found = []
    for image, label in zip(images, labels, strict=True):
        one = Plain(model, image, label)
        found.append(0.0 if one.fools(one.clean) else getattr(one, name)(**constants))
    return np.nan_to_num(found, posinf=0)


@pytest.mark.parametrize(("search", "constants"), SEARCHES, ids=["fgsm", "pgd"])
def test_the_smallest_epsilon_is_that_of_a_plain_search(subject, search, constants):
    got = norms(search, *subject, **constants)
    np.testing.assert_allclose(got, plain_norms(search, *subject, **constants), atol=1e-12)
    assert (got[::4] == 0).all() and len(np.unique(got)) > 8


def test_a_coarse_line_refined_where_the_first_sizes_fool(subject):
    """Few sizes, some of which fool at the first `finer` and some later."""
    for largest in (0.02, 0.2):
        constants = {"largest": largest, "sizes": 12, "finer": 5}
        got = norms(fgsm_search, *subject, **constants)
        np.testing.assert_allclose(got, plain_norms(fgsm_search, *subject, **constants), atol=1e-12)


@pytest.mark.parametrize(("search", "constants"), SEARCHES, ids=["fgsm", "pgd"])
def test_searches_do_not_depend_on_the_batch(subject, search, constants):
    model, images, labels = subject
    whole = norms(search, model, images, labels, **constants)
    parts = [
        norms(search, model, images[part], labels[part], **constants)
        for part in (slice(0, 5), slice(5, 6), slice(6, N))
    ]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-12)


class Mean(nn.Module):
    """Class 1 from a mean pixel of `level` on; counts forward passes and images."""

    def __init__(self, level: float):
        super().__init__()
        self.level, self.passes, self.images, self.with_gradient = level, 0, 0, 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes, self.images = self.passes + 1, self.images + len(x)
        self.with_gradient += len(x) * x.requires_grad
        second = 20 * (x.mean((1, 2, 3)) - self.level)
        return torch.stack([-second, second], 1)


def grey(*levels: float) -> tuple[Tensor, Tensor]:
    images = torch.tensor(levels, dtype=torch.float64)[:, None, None, None].expand(-1, 1, 4, 4)
    return images.contiguous(), torch.zeros(len(levels), dtype=torch.int64)


def test_the_line_search_finds_the_distance_to_a_plane_to_its_resolution():
    images, labels = grey(0.2, 0.4, 0.4903, 0.49992, 0.7)
    got = norms(fgsm_search, Mean(0.50005), images, labels, **FGSM)
    # 0.010 / 20 and 0.001 / 20 apart where one of the first twenty sizes fools
    np.testing.assert_allclose(got, [0.301, 0.101, 0.01, 0.00015, 0], atol=1e-12)


@pytest.mark.parametrize("tries", [3, 20])
def test_the_bisection_finds_the_distance_to_a_plane_to_its_resolution(tries):
    images, labels = grey(0.2, 0.4, 0.4999, 0.7)
    got = norms(pgd_search, Mean(0.50005), images, labels, **PGD | {"tries": tries})
    distances = np.array([0.30005, 0.10005, 0.00015, 0])
    assert (got >= distances).all()
    # An iterate lies at a multiple of a thirtieth of epsilon: the last halving may not be needed.
    assert (got - distances <= np.array([0.45, 0.3, 0.3, 0]) / 2**tries).all()


def test_an_image_that_nothing_fools_comes_back_and_ends_the_search():
    images, labels = grey(0.1, 0.6)
    for search, constants in SEARCHES:
        assert norms(search, Mean(2.0), images, labels, **constants).tolist() == [0, 0]


def test_images_that_are_all_wrong_cost_one_pass():
    images, labels = grey(0.6, 0.7)
    for search, constants in SEARCHES:
        model = Mean(0.5)
        assert norms(search, model, images, labels, **constants).tolist() == [0, 0]
        assert model.passes == 1 and model.with_gradient == 0


def test_epsilon_grows_beyond_the_first_one_until_it_fools():
    images, labels = grey(0.05)
    constants = PGD | {"first": 0.1}
    (got,) = norms(pgd_search, Mean(0.6), images, labels, **constants)
    assert got == pytest.approx(0.55, abs=1e-5)
    (unreached,) = norms(pgd_search, Mean(0.6), images, labels, **constants | {"tries": 4})
    assert unreached == 0  # 0.1, 0.15, 0.225, 0.3375


def test_a_pixel_at_the_bound_cannot_move_and_the_norm_is_what_the_others_moved():
    images, labels = grey(0.0)
    images[0, 0, 0] = 1
    got = norms(fgsm_search, Mean(0.4), images, labels, **FGSM)
    assert got == pytest.approx(0.2, abs=1.001e-3)  # a quarter of the mean is there already


def test_gradients_are_taken_of_standing_images_only_where_a_step_follows():
    model = Mean(0.5)
    images, labels = grey(0.2, 0.45, 0.7)
    norms(fgsm_search, model, images, labels, **FGSM)
    assert model.with_gradient == 2
    assert model.passes < 3 + 3 + 300, "few images are shown several sizes at once"
    model = Mean(3.0)
    norms(pgd_search, model, images[:1], labels[:1], **PGD | {"tries": 2, "steps": 5})
    assert (model.passes, model.with_gradient) == (2 + 2 * 5, 1 + 2 * 4)
    model = Mean(0.4995)
    norms(pgd_search, model, *grey(0.45), **PGD | {"tries": 1})
    # 0.3 fools with the fifth step, 0.15 with the tenth
    assert model.passes == 2 + 5 + 10


def test_no_parameter_gets_a_gradient(subject):
    model, images, labels = subject
    model.requires_grad_(True)
    for search, constants in SEARCHES:
        norms(search, model, images, labels, **constants)
    assert all(parameter.grad is None for parameter in model.parameters())
    model.requires_grad_(False)


def test_the_first_size_that_fools_is_found_for_sizes_in_any_order():
    images, labels = grey(0.2, 0.4, 0.1)
    sizes = torch.tensor([[0.1, 0.5, 0.2], [0.05, 0.15, 0.2], [0.1, 0.2, 0.3]])
    direction = torch.ones_like(images)
    got = first_fooling(Mean(0.5001), images, labels, direction, sizes.double())
    assert got.tolist() == [1, 1, 3]


def test_searches_are_run_in_float32_and_are_told_from_other_attacks():
    for name in ("fgsm_search", "pgd_search"):
        assert is_exact({"attack": name}) and ATTACKS.settings(name)["search"]
    rows = {"one": {"attack": "fgsm_search"} | FGSM, "two": {"attack": "fgsm", "epsilon": 0.1}}
    names = {"attack": {name: Known(resolve_row("attack", name, rows[name], {})) for name in rows}}
    probe = {"probe": "minimal_epsilon", "epsilons": [0.1]}
    resolve_row("probe", "x", probe | {"attacks": ["two", "one"]}, names)
    with pytest.raises(UserError, match=r"probe 'x': none .* a search; .* fgsm_search, pgd_search"):
        resolve_row("probe", "x", probe | {"attacks": ["two"]}, names)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"growth": 1}, "growth is 1, expected a number above 1 and up to 1,000"),
        ({"step_share": 0}, "step_share is 0, expected"),
        ({"first": 0}, "first is 0, expected"),
        ({"tries": 0}, "tries is 0, expected"),
    ],
)
def test_constants_that_make_no_sense_are_refused(change, words):
    with pytest.raises(UserError, match=words):
        resolve_row("attack", "min", {"attack": "pgd_search"} | PGD | change, {})
