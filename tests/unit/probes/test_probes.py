"""Probes on networks whose answers are known."""

import dataclasses
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband import evaluation, models
from passband.compute import Compute
from passband.config import resolve_attack
from passband.evaluation import added, batches, frozen, perturbations, predictions
from passband.quantities import bandwidth_at
from passband.probes import PROBES, Subject
from passband.probes.examples import detail_kept, shape_kept
from passband.draws import Draws, key_of
from passband.spectra.bases import basis_images, frequencies
from passband.spectra.filters import highpass, lowpass

pytestmark = pytest.mark.usefixtures("strict")

FLOAT32 = Compute(torch.device("cpu"), torch.float32)
PGD = {"attack": "pgd", "epsilon": "8/255", "step_size": "4/255", "steps": 2, "start": "uniform"}


class Counting(nn.Module):
    """Hands its inputs to a function and counts the images that it saw."""

    def __init__(self, function):
        super().__init__()
        self.function, self.images = function, 0

    def forward(self, x: Tensor) -> Tensor:
        self.images += len(x)
        return self.function(x)


def two_classes(second: Tensor) -> Tensor:
    """Logits that choose class 1 where `second` [N] is positive, else class 0."""
    return torch.stack([torch.zeros_like(second), second], dim=1)


def subject(model, images, labels=None, perturbation=None, classes=("no", "yes")) -> Subject:
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    return Subject(model, images, labels, classes, 0, FLOAT32, perturbation)


def grey(count: int, channels: int = 1, side: int = 8) -> Tensor:
    return torch.full((count, channels, side, side), 128, dtype=torch.uint8)


def noisy(count: int, channels: int = 3, side: int = 16) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, side, side), generator=generator).byte()


def test_every_probe_is_registered():
    assert PROBES.names() == [
        "accuracy_under_attacks",
        "accuracy_under_filtered_attacks",
        "example_images",
        "filtered_accuracy",
        "fourier_heatmap",
        "input_spectra",
        "kernels",
        "layer_similarity",
        "perturbation_bands",
        "perturbation_spectrum",
        "worst_case_accuracy",
    ]


# Evaluation


@pytest.mark.parametrize("count", [1, 249, 250, 251, 1000])
def test_batches_cover_every_image_once(count):
    found = torch.cat([torch.arange(count)[part] for part in batches(count, FLOAT32)])
    assert torch.equal(found, torch.arange(count))


def test_predictions_are_those_of_the_unfolded_network_one_by_one(lived_in):
    model = lived_in("resnet8_w8")
    images = noisy(7, side=32)
    expected = torch.cat([model(image[None].float() / 255).argmax(1) for image in images])
    assert torch.equal(predictions(frozen(model), images, FLOAT32), expected)


def test_starts_of_an_attack_do_not_depend_on_the_batch_size(monkeypatch, lived_in):
    model = frozen(lived_in("resnet8_w8", side=16))
    images, labels = noisy(30), torch.arange(30) % 10
    attack = resolve_attack("start", PGD | {"step_size": 0})
    whole = perturbations(model, images, labels, attack, 3, FLOAT32)
    monkeypatch.setitem(evaluation.BATCH, "cpu", 7)
    assert torch.equal(perturbations(model, images, labels, attack, 3, FLOAT32), whole)
    assert not torch.equal(perturbations(model, images, labels, attack, 4, FLOAT32), whole)


def test_perturbations_stay_in_the_ball_and_change_predictions(lived_in):
    model = frozen(lived_in("resnet8_w8", side=16))
    images = noisy(60)
    labels = predictions(model, images, FLOAT32)
    attack = resolve_attack(
        "strong", PGD | {"steps": 10, "epsilon": "64/255", "step_size": "16/255"}
    )
    noise = perturbations(model, images, labels, attack, 0, FLOAT32)
    assert noise.shape == images.shape and noise.dtype == torch.float32
    assert noise.abs().max() <= 64 / 255 + 1e-6
    shown = images / 255 + noise
    assert shown.min() >= -1e-6 and shown.max() <= 1 + 1e-6
    assert (predictions(model, images, FLOAT32, added(noise)) != labels).any()


# Accuracy under several attacks


def attack_row(name: str, **change) -> dict:
    return resolve_attack(name, PGD | change)


@pytest.fixture(scope="module")
def attacked(lived_in) -> Subject:
    """A network and 40 images of which it gets about four in five right."""
    model = lived_in("resnet8_w8", side=16)
    images = noisy(40)
    with torch.no_grad():
        model[-1].bias -= model(images / 255).mean(0)
    model = frozen(model)
    labels = predictions(model, images, FLOAT32)
    labels = torch.where(torch.arange(40) % 5 == 0, (labels + 1) % 10, labels)
    return subject(model, images, labels, classes=tuple("abcdefghij"))


ATTACKS = [
    attack_row("weak", epsilon="1/510", step_size="1/255"),
    attack_row("strong", epsilon="3/510", step_size="1/255", loss="margin"),
]


def test_each_attack_gives_what_it_gives_alone(attacked):
    found = PROBES["accuracy_under_attacks"](attacked, attacks=ATTACKS)
    clean = predictions(attacked.model, attacked.images, FLOAT32) == attacked.labels
    assert found.arrays["correct_clean"].tolist() == clean.tolist()
    assert clean.sum() == 32
    for attack, row in zip(ATTACKS, found.arrays["correct"], strict=True):
        noise = perturbations(
            attacked.model, attacked.images, attacked.labels, attack, attacked.seed, FLOAT32
        )
        found_alone = predictions(attacked.model, attacked.images, FLOAT32, added(noise))
        assert row.tolist() == ((found_alone == attacked.labels) & clean).tolist()
        assert 0 < row.sum() < 32, "the attack must matter for this test to tell"
    assert found.metadata == {"attacks": ["weak", "strong"]}
    correct = found.arrays["correct"]
    assert found.rows == [
        ("attack=none", "accuracy", 80.0, 40, "percent"),
        ("attack=weak", "accuracy", 100 * correct[0].mean(), 40, "percent"),
        ("attack=strong", "accuracy", 100 * correct[1].mean(), 40, "percent"),
        ("", "zero_gradient_share", 0.0, 40, "percent"),
    ]
    assert {array.dtype for array in found.arrays.values()} == {np.dtype(np.uint8)}


@pytest.mark.parametrize("probe", ["accuracy_under_attacks", "worst_case_accuracy"])
def test_results_do_not_depend_on_the_batch_size(attacked, monkeypatch, probe):
    whole = PROBES[probe](attacked, attacks=ATTACKS)
    monkeypatch.setitem(evaluation.BATCH, "cpu", 7)
    parts = PROBES[probe](attacked, attacks=ATTACKS)
    assert parts.rows == whole.rows
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(parts.arrays[name], array)


def recorded(monkeypatch) -> list[tuple[str, list[int], torch.dtype]]:
    """What attacks are asked for from now on: (name, image indices, precision)."""
    asked = []

    def recording(model, images, labels, attack, seed, compute, indices=None):
        asked.append((attack["name"], indices.tolist(), compute.autocast_dtype))
        return perturbations(model, images, labels, attack, seed, compute, indices)

    monkeypatch.setattr("passband.probes.robustness.perturbations", recording)
    return asked


def test_misclassified_images_are_not_attacked(attacked, monkeypatch):
    asked = recorded(monkeypatch)
    found = PROBES["accuracy_under_attacks"](attacked, attacks=ATTACKS)
    right = found.arrays["correct_clean"].nonzero()[0].tolist()
    assert [(name, indices) for name, indices, _ in asked] == [("weak", right), ("strong", right)]


def test_the_worst_case_attacks_only_what_still_stands(attacked, monkeypatch):
    asked = recorded(monkeypatch)
    attacks = [*ATTACKS, attack_row("third", epsilon="8/255", step_size="2/255", steps=20)]
    found = PROBES["worst_case_accuracy"](attacked, attacks=attacks)
    survived, clean = found.arrays["survived"], found.arrays["correct_clean"]
    standing = [clean, *survived[:-1]]
    assert [indices for _, indices, _ in asked] == [row.nonzero()[0].tolist() for row in standing]
    counts = [clean.sum(), *survived.sum(1)]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) > 2
    assert all((later <= earlier).all() for earlier, later in zip(standing, survived, strict=True))
    names = ["none", "weak", "weak+strong", "weak+strong+third"]
    assert found.rows == [
        (f"attack={name}", "accuracy", pytest.approx(2.5 * count), 40, "percent")
        for name, count in zip(names, counts, strict=True)
    ]
    alone = PROBES["accuracy_under_attacks"](attacked, attacks=attacks).arrays["correct"]
    np.testing.assert_array_equal(survived, np.minimum.accumulate(alone))
    assert found.metadata == {"attacks": ["weak", "strong", "third"]}


def test_exact_attacks_search_in_single_precision(attacked, monkeypatch):
    given, half = [], Compute(torch.device("cpu"), torch.bfloat16)

    def crafted(attack, logits_of, images, labels, draws):
        given.append((attack["attack"], logits_of is attacked.model))
        return images

    monkeypatch.setattr("passband.evaluation.craft", crafted)
    for name in ("apgd", "cw", "fab", "fgsm", "gaussian_noise", "pgd", "square"):
        row = {"name": name, "attack": name}
        perturbations(attacked.model, attacked.images, attacked.labels, row, 0, half)
    assert {name for name, exact in given if exact} == {"apgd", "cw", "fab", "square"}


@pytest.mark.parametrize("probe", ["accuracy_under_attacks", "worst_case_accuracy"])
@pytest.mark.parametrize("images", [1, 13, 40, 1000])
def test_a_limit_measures_the_first_images(attacked, probe, images):
    whole = PROBES[probe](attacked, attacks=ATTACKS)
    found = PROBES[probe](attacked, attacks=ATTACKS, images=images)
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array[..., :images])
    assert {row[3] for row in found.rows} == {min(images, 40)}


@pytest.mark.parametrize("probe", ["accuracy_under_attacks", "worst_case_accuracy"])
def test_where_all_images_have_fallen_nothing_is_attacked(attacked, monkeypatch, probe):
    wrong = (predictions(attacked.model, attacked.images, FLOAT32) + 1) % 10
    asked = recorded(monkeypatch)
    fallen = dataclasses.replace(attacked, labels=wrong)
    found = PROBES[probe](fallen, attacks=ATTACKS)
    assert asked == []
    rows = found.arrays.get("correct", found.arrays.get("survived"))
    assert rows.shape == (2, 40) and rows.sum() == found.arrays["correct_clean"].sum() == 0
    assert all(row[2] == 0 for row in found.rows if row[1] == "accuracy")


def test_attacks_end_when_the_last_image_has_fallen(attacked, monkeypatch):
    asked = recorded(monkeypatch)
    half = attack_row("half", epsilon="1/2", step_size="1/10", steps=10)
    found = PROBES["worst_case_accuracy"](attacked, attacks=[half, *ATTACKS])
    assert [name for name, *_ in asked] == ["half"]
    assert found.arrays["survived"].sum() == 0 < found.arrays["correct_clean"].sum()


def test_zero_gradients_of_saturated_images_are_counted():
    images = noisy(30, channels=1, side=8)
    labels = torch.arange(30) % 2
    bright = images.float().mean((1, 2, 3)).argsort().argsort() >= 18  # masked for 12 images
    threshold = (images / 255).mean((1, 2, 3)).sort().values[17:19].mean()

    def network(x: Tensor) -> Tensor:
        """Certain without a slope above the threshold, a slope below."""
        mean = x.mean((1, 2, 3))
        return two_classes(torch.where(mean > threshold, torch.full_like(mean, 200.0), mean))

    attacks = [attack_row("none", epsilon=0)]
    found = PROBES["accuracy_under_attacks"](
        subject(Counting(network), images, labels), attacks=attacks
    )
    assert found.arrays["zero_gradient"].tolist() == bright.tolist()
    assert found.rows[-1] == ("", "zero_gradient_share", pytest.approx(40.0), 30, "percent")


def test_a_confident_network_hides_its_gradients_from_single_precision():
    images, labels = noisy(6, channels=1, side=8), torch.ones(6, dtype=torch.int64)
    attacks = [attack_row("none", epsilon=0)]
    shares = []
    for scale in (1, 1000):
        model = Counting(lambda x, scale=scale: two_classes(scale * x.mean((1, 2, 3))))
        found = PROBES["accuracy_under_attacks"](subject(model, images, labels), attacks=attacks)
        shares.append(found.rows[-1][2])
    assert shares == [0, 100]


def test_filtered_accuracy_shows_the_network_filtered_images():
    images, shares = noisy(20), ["1/8", "1/2", "1"]
    seen = []

    def network(x):
        seen.append(x.clone())
        return two_classes(x.std((1, 2, 3)) - 0.2)

    found = PROBES["filtered_accuracy"](
        subject(Counting(network), images), filter="lowpass", bandwidths=shares
    )
    assert found.arrays["bandwidths"].tolist() == [2, 8, 16]
    for shown, bandwidth in zip(seen, (2, 8, 16), strict=True):
        torch.testing.assert_close(shown, lowpass(images / 255, bandwidth), atol=1e-6, rtol=0)
    assert found.arrays["correct"].mean(1).tolist() == [1, 1, 0]
    conditions = [row[0] for row in found.rows]
    assert conditions == [f"filter=lowpass;bandwidth={k}" for k in (2, 8, 16)]
    assert [row[2] for row in found.rows] == [100, 100, 0]


def test_bands_end_at_the_clean_and_at_the_attacked_accuracy(lived_in):
    model = frozen(lived_in("resnet8_w8", side=16))
    images = noisy(40)
    labels = predictions(model, images, FLOAT32)
    attack = resolve_attack("big", PGD | {"epsilon": "32/255", "step_size": "16/255"})
    noise = perturbations(model, images, labels, attack, 0, FLOAT32)
    given = subject(model, images, labels, noise)
    found = PROBES["perturbation_bands"](given, attack="big", bandwidths=[0, "1/2", "1"])
    clean, broken = (
        (predictions(model, images, FLOAT32, change) == labels).numpy()
        for change in (lambda images, _: images, added(noise))
    )
    for name, keep in {"lowpass": lowpass, "highpass": highpass}.items():
        correct = found.arrays[f"correct_{name}"]
        assert correct.shape == (3, 40) and correct.dtype == np.uint8
        assert np.array_equal(correct[0], clean)
        assert (correct[-1] == broken).mean() >= 0.975
        shown = (images / 255 + keep(noise, 8)).clamp(0, 1)
        assert np.array_equal(correct[1], (model(shown).argmax(1) == labels).numpy())
    assert found.arrays["bandwidths"].tolist() == [0, 8, 16]
    assert len(found.rows) == 6


@pytest.mark.parametrize(
    ("side", "share", "expected"),
    [(32, "1/2", 16), (64, "1/2", 32), (28, "1/8", 4), (32, "1", 32), (64, 8, 8)],
)
def test_shares_of_the_side_are_even(side, share, expected):
    assert bandwidth_at(side, share) == expected


# Spectrum


def test_spectrum_of_one_wave_lies_at_its_two_frequencies():
    side = 16
    wave = basis_images(torch.tensor([[3, -5]]), side)
    noise = wave[:, None].expand(6, 3, side, side) * torch.tensor([1.0, -1.0, 2.0])[:, None, None]
    given = subject(None, noisy(6), perturbation=noise)
    found = PROBES["perturbation_spectrum"](given, attack="pgd-20", images=5)
    spectrum = found.arrays["spectrum"]
    expected = np.zeros((side, side))
    peak = side / 2**0.5 * 4 / 3
    expected[side // 2 + 3, side // 2 - 5] = expected[side // 2 - 3, side // 2 + 5] = peak
    np.testing.assert_allclose(spectrum, expected, atol=1e-4)
    shares = dict(
        zip(found.arrays["bandwidths"].tolist(), found.arrays["energy_share"], strict=True)
    )
    np.testing.assert_allclose(shares[10], 0.5, atol=1e-5)
    np.testing.assert_allclose(shares[8], 0, atol=1e-5)
    np.testing.assert_allclose(shares[12], 1, atol=1e-5)
    assert found.arrays["energy_share"].shape == (8, 5)
    rings = found.arrays["amplitude_by_radius"]
    assert rings.shape == (9, 5)
    assert np.all(rings.argmax(0) == 5)
    assert found.rows[-1][3] == 5


def test_spectrum_does_not_depend_on_how_images_are_split():
    noise = torch.randn(1100, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    given = subject(None, grey(1100, channels=2), perturbation=noise)
    found = PROBES["perturbation_spectrum"](given, attack="a", images=1100).arrays
    expected = np.abs(np.fft.fftshift(np.fft.fft2(noise.double().numpy()), axes=(-2, -1)))
    np.testing.assert_allclose(found["spectrum"], expected.mean((0, 1)), rtol=1e-5)
    energy = (expected**2).sum(1)
    share = energy[:, 2:6, 2:6].sum((1, 2)) / energy.sum((1, 2))
    np.testing.assert_allclose(found["energy_share"][1], share, rtol=1e-4)


# Heat map


def test_heat_map_takes_one_forward_pass_per_basis_image_and_image():
    model = Counting(lambda x: two_classes(-x.mean((1, 2, 3))))
    found = PROBES["fourier_heatmap"](
        subject(model, grey(3, side=32)), norm_per_pixel=0.125, images=3
    )
    assert model.images == 514 * 3 + 3  # and once for the clean images
    assert found.arrays["wrong"].shape == (514, 3)
    assert found.metadata["norm"] == 4
    assert {row[0] for row in found.rows} == {f"basis={n};norm=4" for n in ("mean", "low", "high")}


@pytest.mark.parametrize("frequency", [(0, 0), (2, -1), (0, 3), (-4, -4), (-2, 1)])
def test_heat_map_of_a_network_that_fears_one_frequency(frequency):
    side = 8
    row, column = frequency
    detector = basis_images(torch.tensor([frequency]), side)[0]
    model = Counting(lambda x: two_classes(((x - 128 / 255) * detector).sum((1, 2, 3)).abs() - 0.3))
    found = PROBES["fourier_heatmap"](subject(model, grey(5)), norm_per_pixel=0.125, images=5)
    expected = np.zeros((side, side))
    for sign in (1, -1):
        expected[(sign * row + side // 2) % side, (sign * column + side // 2) % side] = 1
    np.testing.assert_array_equal(found.arrays["error"], expected)
    values = {row[0].split(";")[0]: row[2] for row in found.rows}
    centre = expected[2:6, 2:6]
    assert values["basis=mean"] == pytest.approx(100 * expected.mean())
    assert values["basis=low"] == pytest.approx(100 * centre.mean())
    outside = (expected.sum() - centre.sum()) / (side**2 - centre.size)
    assert values["basis=high"] == pytest.approx(100 * outside)


def test_heat_map_noise_has_the_norm_in_each_channel_and_its_own_signs():
    seen = []

    def network(x):
        seen.append(x - 128 / 255)
        return two_classes(x.mean((1, 2, 3)))

    images = grey(30, channels=3)
    PROBES["fourier_heatmap"](subject(Counting(network), images), norm_per_pixel=0.05, images=20)
    noise = torch.stack(seen[: len(frequencies(8))])
    assert noise.shape == (34, 20, 3, 8, 8)
    norms = noise.flatten(3).norm(dim=3)
    torch.testing.assert_close(norms, torch.full_like(norms, 0.4), atol=1e-5, rtol=0)
    signs = (noise * basis_images(frequencies(8), 8)[:, None, None]).sum((3, 4)).sign()
    expected = Draws(key_of(0, "heat map"), torch.arange(20)).signs("sign", (34, 3))
    assert torch.equal(signs, expected.transpose(0, 1))


def test_heat_map_shows_only_pixels_in_range():
    extremes = []

    def network(x):
        extremes.append((x.min().item(), x.max().item()))
        return two_classes(x.mean((1, 2, 3)))

    PROBES["fourier_heatmap"](
        subject(Counting(network), noisy(4, side=8)), norm_per_pixel=1, images=4
    )
    assert min(low for low, _ in extremes) >= 0 and max(high for _, high in extremes) <= 1


# Examples


def test_examples_take_each_class_in_turn():
    labels = torch.tensor([2, 2, 0, 1, 0, 2, 1, 1, 0, 2])
    images = noisy(10)
    images[:, 0, 0, 0] = torch.arange(10).byte()
    noise = torch.zeros(10, 3, 16, 16)
    classes = ("a", "b", "c")
    model = Counting(lambda x: F.one_hot((x[:, 0, 0, 0] * 255).round().long() % 3, 3).float())
    given = subject(model, images, labels, noise, classes)
    found = PROBES["example_images"](given, attack="a", bandwidth="1/4", examples=5, images=9)
    order = [2, 3, 0, 4, 6]
    assert (found.arrays["images"][:, 0, 0, 0] * 255).round().tolist() == order
    assert found.arrays["labels"].tolist() == [0, 1, 2, 0, 1]
    assert found.arrays["predicted"].tolist() == [i % 3 for i in order]
    assert found.arrays["predicted_adversarial"].tolist() == [i % 3 for i in order]
    expected = lowpass(images[order] / 255, 4)
    np.testing.assert_allclose(found.arrays["filtered"], expected, atol=1e-6)
    assert found.arrays["spectrum"].shape == (5, 16, 16)
    assert found.metadata == {"classes": list(classes), "bandwidth": 4, "attack": "a"}
    np.testing.assert_allclose(found.arrays["detail_kept"][1], 1, rtol=1e-5)
    np.testing.assert_allclose(found.arrays["shape_kept"][1], 1, rtol=1e-5)
    assert (found.arrays["detail_kept"][0] < 0.1).all()


def test_rows_count_the_images_that_there_are():
    model = Counting(lambda x: two_classes(x.mean((1, 2, 3))))
    given = subject(model, noisy(6), perturbation=torch.zeros(6, 3, 16, 16))
    found = {
        "examples": PROBES["example_images"](
            given, attack="a", bandwidth="1/4", examples=2, images=1000
        ),
        "spectrum": PROBES["perturbation_spectrum"](given, attack="a", images=1000),
        "heat map": PROBES["fourier_heatmap"](given, norm_per_pixel=0.1, images=1000),
    }
    for name, measurement in found.items():
        assert {row[3] for row in measurement.rows} == {6}, name


def test_detail_and_shape_of_known_changes():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(8, 3, 8, 8, generator=generator)
    clean = F.interpolate(coarse, 32, mode="bilinear")
    blurred = F.avg_pool2d(F.pad(clean, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    rough = clean + 0.1 * torch.randn(clean.shape, generator=generator)
    torch.testing.assert_close(detail_kept(clean, clean), torch.ones(8))
    torch.testing.assert_close(shape_kept(clean, clean), torch.ones(8))
    torch.testing.assert_close(detail_kept(0.5 * clean, clean), torch.ones(8))
    torch.testing.assert_close(shape_kept(0.5 * clean + 0.2, clean), torch.ones(8))
    assert (detail_kept(blurred, clean) < 1).all()
    assert (detail_kept(rough, clean) < shape_kept(rough, clean)).all()
    torch.testing.assert_close(detail_kept(-clean, clean), -torch.ones(8))
    assert (shape_kept(blurred, clean) > 0.9).all()
    assert (shape_kept(clean.roll(1, 0), clean).abs() < 0.9).all()


def test_every_probe_runs_on_a_real_network_and_every_array_is_storable(lived_in):
    trained = lived_in("resnet8_w8", channels=1, classes=2)
    model = frozen(trained)
    images = noisy(8, channels=1, side=32)
    labels = torch.arange(8) % 2
    noise = perturbations(model, images, labels, resolve_attack("pgd", PGD), 0, FLOAT32)
    given = replace(subject(model, images, labels, noise), trained=trained)
    attacks = [resolve_attack("pgd", PGD), resolve_attack("other", PGD | {"loss": "margin"})]
    options = SimpleNamespace(
        accuracy_under_attacks={"attacks": attacks},
        accuracy_under_filtered_attacks={
            **{"attack": "pgd", "attacks": attacks[1:]},
            **{"bandwidths": ["1/2", "1"]},
        },
        example_images={"attack": "pgd", "bandwidth": "1/4", "examples": 4, "images": 8},
        filtered_accuracy={"filter": "highpass", "bandwidths": ["1/2", "1"]},
        fourier_heatmap={"norm_per_pixel": 0.125, "images": 2},
        input_spectra={"attack": "pgd", "images": 8},
        kernels={"layer": 1, "all_layers": True},
        layer_similarity={"attack": "pgd", "images": 8, "batch": 4},
        perturbation_bands={"attack": "pgd", "bandwidths": [0, "1"]},
        perturbation_spectrum={"attack": "pgd", "images": 8},
        worst_case_accuracy={"attacks": attacks, "images": 6},
    )
    for name in PROBES.names():
        found = PROBES[name](given, **getattr(options, name))
        assert found.arrays and found.rows
        for array in found.arrays.values():
            assert array.dtype in (np.uint8, np.int64, np.float32), name
            assert np.isfinite(array).all(), name
        assert all(np.isfinite(row[2]) for row in found.rows), name


def test_models_are_not_changed_by_measuring(lived_in):
    model = models.build("resnet8_w8", 1, 2, 16, seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measured = frozen(model)
    given = subject(measured, noisy(4, channels=1))
    PROBES["filtered_accuracy"](given, filter="lowpass", bandwidths=["1"])
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
