"""Scores of spectra, heat maps and trainings, computed by hand."""

from fractions import Fraction

import numpy as np
import pytest
from shipped import LANGUAGES
from shipped import SCORES as ROWS

from passband.findings.contrast import parse
from passband.findings.scores import NotMeasured, read_scores
from passband.intervals.estimates import mean_interval

SCORES = read_scores(ROWS)
HALF = (Fraction(1, 2),)


def test_share_of_energy_with_and_without_the_dc_component():
    arrays = {
        "bandwidths": np.array([4, 8]),
        "energy_share": np.array([[0.6, 0.5, 1.0], [1.0, 1.0, 1.0]], np.float32),
        "dc_share": np.array([0.2, 0.0, 1.0], np.float32),
    }
    np.testing.assert_allclose(SCORES["energy_share"].values(arrays, HALF), [60, 50, 100])
    found = SCORES["energy_share_without_dc"].values(arrays, HALF)
    np.testing.assert_allclose(found, [50, 50, np.nan], rtol=1e-6)  # (0.6 - 0.2) / (1 - 0.2)


def test_share_of_the_difference_with_and_without_the_dc_component():
    arrays = {
        "energy_share_difference": np.array([0.55, 0.75]),
        "dc_share_difference": np.array([0.1, 0.5]),
    }
    np.testing.assert_allclose(SCORES["difference_share"].values(arrays), [55, 75])
    np.testing.assert_allclose(SCORES["difference_share_without_dc"].values(arrays), [50, 50])


def test_trend_of_the_difference_with_and_without_the_dc_component():
    rings = np.array([[9.0, 0.0, 1.0], [1.0, 3.0, 1.0], [2.0, 2.0, 1.0], [3.0, 1.0, 1.0]])
    arrays = {"amplitude_by_radius_difference": rings}
    # ranks 4 1 2 3 and 1 4 3 2 against 1 2 3 4: 1 - 6 * 12 / 60 and 1 - 6 * 8 / 60
    found = SCORES["difference_trend"].values(arrays)
    np.testing.assert_allclose(found, [-0.2, 0.2, np.nan])
    found = SCORES["difference_trend_without_dc"].values(arrays)
    np.testing.assert_allclose(found, [1, -1, np.nan])


def test_accuracy_under_noise_counts_every_direction_with_its_cells_of_the_plane():
    arrays = {
        "frequencies": np.array([[0, 0], [1, 0], [1, 1]]),  # f and -f are two cells, (0, 0) is one
        "wrong": np.array([[0, 1], [1, 1], [0, 1]], np.uint8),
        "error": np.zeros((4, 4)),
    }
    found = SCORES["accuracy_under_noise"].values(arrays)
    np.testing.assert_allclose(found, [100 * 3 / 5, 0])
    assert SCORES["accuracy_under_noise"].span == (0, 100)


def test_images_that_follow_their_high_component():
    arrays = {"follows_high_disc-low-4": np.array([1, 0, 0, 1, 0, 0, 0, 0], np.uint8)}
    share = SCORES["follows_high"].values(arrays, ("disc-low-4",))
    count = SCORES["images_following_high"].values(arrays, ("disc-low-4",))
    np.testing.assert_array_equal(share, [100, 0, 0, 100, 0, 0, 0, 0])
    assert count.mean() == 2
    with pytest.raises(NotMeasured, match="disc-low-8"):
        SCORES["follows_high"].values(arrays, ("disc-low-8",))


def test_a_count_of_images_lies_between_none_and_all_of_them():
    contrast = parse("2 * images_following_high(natural, 'disc-low-4') - 3 > 7", LANGUAGES["hfc"])
    assert contrast.span(500) == (-3, 997)
    shares = parse("follows_high(natural, 'disc-low-4') > 7", LANGUAGES["hfc"])
    assert shares.span(500) == (0, 100) and shares.is_accuracy and not contrast.is_accuracy
    none = mean_interval(np.zeros(500), contrast.span(500))
    assert none.effect == 0 and none.high > 0


def test_an_image_is_recognised_better_by_however_little():
    scores = np.array([[0.5, 0.5, 0.5], [0.5, 0.5 + 1e-6, 0.4], [0, 0, 0]])
    found = {
        name: SCORES[f"recognised_{name}"].values({"scores": scores}).tolist()
        for name in ("better", "worse")
    }
    assert found == {"better": [0, 100, 0], "worse": [0, 0, 100]}


@pytest.mark.parametrize("name", ["energy_share", "difference_share", "difference_trend"])
def test_both_readings_say_what_they_are(name):
    assert SCORES[name].reads == "with the DC component"
    assert SCORES[f"{name}_without_dc"].reads == "without the DC component"


def test_first_and_last_of_both_ratios_and_the_epochs():
    arrays = {
        "epoch": np.array([1.0, 2, 3]),
        "first-activation|definition=per_channel|low_high_ratio": np.array([1.0, 4.0, 6.0]),
        "first-activation|definition=summed|low_high_ratio": np.array([0.5, 0.6, 0.75]),
    }
    expected = {
        "ratio_first": 1.0, "ratio_last": 6.0, "ratio_growth": 6.0, "ratio_last_summed": 0.75,
        "ratio_growth_summed": 1.5, "epochs": 3.0,
    }  # fmt: skip
    assert {name: SCORES[name].values(arrays).item() for name in expected} == expected


def test_what_is_measured_of_jacobians_is_taken_as_it_is():
    arrays = {
        "bias": np.array([1.0, 2.0], np.float32),
        "bias_images": np.array([7.0, 9.0], np.float32),
        "alignment": np.array([0.5, 0.0], np.float32),
    }
    for score, expected in (("bias", [1, 2]), ("images_bias", [7, 9]), ("alignment", [0.5, 0])):
        np.testing.assert_array_equal(SCORES[score].values(arrays), expected)
        assert SCORES[score].sample == "images" and SCORES[score].unit == ""
