"""Corruptions against plain loops, other libraries, and what is known of their distributions."""

import colorsys
import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage, signal, stats

from passband.data.corruptions import CORRUPTIONS, SEVERITIES, corrupted, elastic, spatter
from passband.data.corruptions.blur import disc
from passband.data.corruptions.digital import resized
from passband.data.corruptions.frost import read_pictures
from passband.data.corruptions.motion import moved
from passband.data.corruptions.weather import plasma
from passband.draws import Draws, key_of
from passband.errors import UserError

NAMES = CORRUPTIONS.names()
UNEVEN = {"saturate", "elastic_transform", "frost", "glass_blur", "motion_blur", "spatter"}


def smooth(count: int, channels: int = 3, side: int = 32) -> np.ndarray:
    """Smooth colourful images with some noise, uint8."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (count, channels, 5, 5))
    fine = ndimage.zoom(coarse, (1, 1, side / 5, side / 5), order=1)
    return np.clip(fine + rng.normal(0, 8, fine.shape), 0, 255).astype(np.uint8)


def levels(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1] as the published code turns them into bytes."""
    return np.uint8(np.clip(values, 0, 1) * 255)


def distance(found: np.ndarray, images: np.ndarray) -> float:
    return np.abs(found.astype(float) - images).mean()


def draws_for(name: str, severity: int, count: int) -> Draws:
    return Draws(key_of("corruption", name, severity), torch.arange(count))


def test_all_nineteen_types_have_a_title():
    assert len(NAMES) == 19
    assert len({CORRUPTIONS.settings(name)["title"] for name in NAMES}) == 19


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channels", "side"), [(1, 28), (1, 32), (3, 32), (3, 64), (3, 35)])
def test_any_number_of_channels_and_any_side(name, channels, side):
    images = smooth(1, channels, side)
    for severity in SEVERITIES:
        found = corrupted(images, name, severity)
        assert found.shape == images.shape and found.dtype == np.uint8
        assert (found != images).any() or name == "saturate"


@pytest.mark.parametrize("name", NAMES)
def test_an_image_does_not_depend_on_those_beside_it(name, monkeypatch):
    images = smooth(7)
    whole = corrupted(images, name, 3)
    monkeypatch.setattr("passband.data.corruptions.CHUNK", 2)
    np.testing.assert_array_equal(corrupted(images, name, 3), whole)
    others = images.copy()
    others[:3] = 255 - others[:3]
    np.testing.assert_array_equal(corrupted(others, name, 3)[3:], whole[3:])
    np.testing.assert_array_equal(corrupted(images[:4], name, 3), whole[:4])


@pytest.mark.parametrize("name", NAMES)
def test_the_images_stay_as_they_are(name):
    images = smooth(2)
    before = images.copy()
    corrupted(images, name, 5)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNEVEN))
def test_the_change_grows_with_severity(name):
    images = smooth(15)
    change = [distance(corrupted(images, name, one), images) for one in SEVERITIES]
    assert (np.diff(change) > 0).all(), change


def test_motion_blur_of_severities_3_and_4_nearly_coincides():
    images = smooth(40)
    change = [distance(corrupted(images, "motion_blur", one), images) for one in SEVERITIES]
    assert change[0] < change[1] < change[2] < change[4]
    assert abs(change[3] / change[2] - 1) < 0.1


# ---- against other implementations


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_blur_is_a_convolution_with_edges_repeated(severity):
    sigma = (0.4, 0.6, 0.7, 0.8, 1)[severity - 1]
    images, reach = smooth(2), int(4 * sigma + 0.5)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    kernel = np.outer(weights, weights) / weights.sum() ** 2
    for image, found in zip(images, corrupted(images, "gaussian_blur", severity), strict=True):
        for before, after in zip(image, found, strict=True):
            padded = np.pad(before / 255, reach, mode="edge")
            expected = signal.convolve2d(padded, kernel, mode="valid")
            assert np.abs(after - 255 * np.clip(expected, 0, 1)).max() < 1 + 1e-9


@pytest.mark.parametrize("severity", SEVERITIES)
def test_defocus_blur_is_a_convolution_with_a_soft_disc(severity):
    radius, soft = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1]
    y, x = np.mgrid[-8:9, -8:9]
    inside = (x**2 + y**2 <= radius**2).astype(float)
    edge = np.exp(-(np.arange(-1, 2) ** 2) / (2 * soft**2))
    kernel = signal.convolve2d(
        inside / inside.sum(), np.outer(edge, edge) / edge.sum() ** 2, "same"
    )
    np.testing.assert_allclose(disc(radius, soft), kernel[6:11, 6:11], atol=1e-15)
    images = smooth(1)
    found = corrupted(images, "defocus_blur", severity)[0]
    for before, after in zip(images[0], found, strict=True):
        padded = np.pad(before / 255, 8, mode="reflect")
        expected = signal.convolve2d(padded, kernel, mode="valid")
        assert np.abs(after - 255 * np.clip(expected, 0, 1)).max() < 1 + 1e-9


@pytest.mark.parametrize("severity", SEVERITIES)
def test_zoom_blur_averages_the_image_with_its_enlargements(severity):
    end, count = ((1.06, 7), (1.11, 12), (1.16, 16), (1.21, 21), (1.26, 26))[severity - 1]
    factors = np.arange(1, end, 0.01)
    assert len(factors) == count
    image = smooth(1)[0] / 255
    total = image.copy()
    for factor in factors:
        kept = int(np.ceil(32 / factor))
        first = (32 - kept) // 2
        large = round(kept * factor)
        trim = (large - 32) // 2
        at = first + (np.arange(32) + trim) * (kept - 1) / (large - 1)
        rows = np.stack([np.interp(at, np.arange(32), column) for column in image.reshape(96, 32)])
        both = rows.reshape(3, 32, 32).transpose(0, 2, 1).reshape(96, 32)
        both = np.stack([np.interp(at, np.arange(32), row) for row in both])
        total += both.reshape(3, 32, 32).transpose(0, 2, 1)
    found = corrupted(smooth(1), "zoom_blur", severity)[0]
    assert np.abs(found - 255 * total / (count + 1)).max() < 1 + 1e-3


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_keeps_the_mean_of_each_channel(severity):
    kept = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    for before, after in zip(smooth(3), corrupted(smooth(3), "contrast", severity), strict=True):
        mean = (before / 255).mean((1, 2), keepdims=True)
        expected = 255 * np.clip((before / 255 - mean) * kept + mean, 0, 1)
        assert np.abs(after - expected).max() < 1 + 1e-9


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["brightness", "saturate"])
def test_colours_change_as_in_the_standard_library(name, severity):
    images = smooth(1, side=8)
    images[0, :, 0, :4] = [
        [0, 255, 10, 10],
        [0, 255, 10, 200],
        [0, 255, 10, 200],
    ]  # no colour; ties

    def changed(red: float, green: float, blue: float) -> tuple[float, float, float]:
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        if name == "brightness":
            value = min(1, value + (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1])
        else:
            factor, more = ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))[severity - 1]
            saturation = min(1, saturation * factor + more)
        return colorsys.hsv_to_rgb(hue, saturation, value)

    found = corrupted(images, name, severity)[0].reshape(3, -1).T
    for before, after in zip(images[0].reshape(3, -1).T, found, strict=True):
        assert np.abs(after - 255 * np.array(changed(*before / 255))).max() < 1 + 1e-9


def test_a_grey_image_brightens_by_its_value_and_has_no_colour_to_saturate():
    images = smooth(2, channels=1)
    found = corrupted(images, "brightness", 3)
    assert np.abs(found - np.minimum(255, images + 255 * 0.15)).max() < 1 + 1e-9
    for severity, share in ((1, 1), (3, 1), (4, 1 - 0.1 * 0.701), (5, 1 - 0.2 * 0.701)):
        found = corrupted(images, "saturate", severity)
        assert np.abs(found - share * images.astype(float)).max() < 1 + 1e-9


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_and_pixelate_are_what_pillow_makes(severity, channels):
    images = smooth(3, channels)
    jpeg, coarse = (corrupted(images, name, severity) for name in ("jpeg_compression", "pixelate"))
    quality, share = ((80, 0.95), (65, 0.9), (58, 0.85), (50, 0.75), (40, 0.65))[severity - 1]
    for index, image in enumerate(images):
        picture = Image.fromarray(image.transpose(1, 2, 0).squeeze())
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        expected = (
            np.asarray(Image.open(file, formats=["JPEG"]))
            .reshape(32, 32, channels)
            .transpose(2, 0, 1)
        )
        np.testing.assert_array_equal(jpeg[index], expected)
        small = picture.resize((int(32 * share),) * 2, Image.Resampling.BOX)
        expected = np.asarray(small.resize((32, 32), Image.Resampling.BOX))
        expected = expected.reshape(32, 32, channels).transpose(2, 0, 1)
        np.testing.assert_array_equal(coarse[index], expected)


@pytest.mark.parametrize("size", [(3, 50), (17, 9), (28, 41), (1, 28)])
def test_boxes_are_those_of_pillow(size):
    image = smooth(1, side=28)
    picture = Image.fromarray(image[0].transpose(1, 2, 0))
    expected = np.asarray(picture.resize(size[::-1], Image.Resampling.BOX)).transpose(2, 0, 1)
    np.testing.assert_array_equal(resized(image, *size)[0], expected)


def test_motion_blur_is_that_of_imagemagick():
    """ImageMagick 6.9.11-60 made these of the same image."""
    y, x = np.mgrid[:6, :8]
    image = ((37 * y + 23 * x * x + 11 * x * y) % 256).astype(np.uint8)[None, None]
    np.testing.assert_array_equal(
        moved(image, 6, 1.5, np.array([30.0]))[0, 0],
        [
            [36, 56, 153, 161, 110, 98, 111, 129],
            [83, 99, 89, 119, 142, 140, 161, 184],
            [86, 157, 143, 68, 122, 151, 73, 101],
            [129, 125, 101, 145, 112, 86, 124, 156],
            [160, 123, 110, 164, 157, 185, 146, 75],
            [106, 55, 72, 27, 28, 65, 120, 161],
        ],
    )
    np.testing.assert_array_equal(
        moved(image, 8, 3, np.array([-100.0]))[0, 0],
        [
            [0, 15, 67, 166, 145, 81, 61, 88],
            [9, 26, 81, 122, 164, 102, 85, 114],
            [26, 48, 108, 97, 141, 144, 72, 106],
            [49, 79, 86, 94, 137, 144, 82, 123],
            [79, 115, 74, 148, 114, 158, 113, 103],
            [111, 95, 76, 147, 98, 92, 142, 108],
        ],
    )


def test_motion_blur_pixel_by_pixel():
    image, angle = smooth(1, channels=1, side=9), -33.3
    weights = np.exp(-(np.arange(13) ** 2) / (2 * 2.0**2))
    expected = np.zeros((9, 9))
    for row, column in np.ndindex(9, 9):
        for distance, weight in enumerate(weights / weights.sum()):
            down, right = (
                int(np.ceil(distance * part - 0.5))
                for part in (np.sin(np.radians(angle)), np.cos(np.radians(angle)))
            )
            taken = image[0, 0, min(max(row + down, 0), 8), min(max(column + right, 0), 8)]
            expected[row, column] += weight * taken
    found = moved(image, 6, 2.0, np.array([angle]))[0, 0]
    assert np.abs(found - expected).max() <= 0.5 + 1e-9


def test_glass_blur_copies_neighbours_in_turn():
    """As published: from the last pixel to the first, and each copy is seen by what follows."""
    images, draws = smooth(2, side=12), draws_for("glass_blur", 5, 2)
    expected = levels(ndimage.gaussian_filter(images / 255, (0, 0, 0.4, 0.4), mode="nearest"))
    for image in range(2):
        for number in range(2):
            up, left = (
                draws.integers((axis, number), 2, (10, 10)).numpy()[image]
                for axis in ("up", "left")
            )
            for row in range(11, 1, -1):
                for column in range(11, 1, -1):
                    source = row - up[row - 2, column - 2], column - left[row - 2, column - 2]
                    expected[image, :, row, column] = expected[image, :, source[0], source[1]]
    expected = levels(ndimage.gaussian_filter(expected / 255, (0, 0, 0.4, 0.4), mode="nearest"))
    np.testing.assert_array_equal(corrupted(images, "glass_blur", 5), expected)


def test_plasma_pixel_by_pixel():
    draws, side, decay = Draws(1, torch.arange(2)), 8, 1.75
    found = plasma(draws, side, decay)
    for image in range(2):
        heights, step, rough = np.zeros((8, 8)), 8, 100.0
        while step >= 2:
            half, cells = step // 2, 8 // step
            noise = {
                place: 2 * draws.uniform((place, step), (cells, cells)).double().numpy()[image] - 1
                for place in ("centre", "level", "upright")
            }
            for i, j in np.ndindex(cells, cells):
                y, x = i * step, j * step
                corners = [heights[(y + a) % 8, (x + b) % 8] for a in (0, step) for b in (0, step)]
                heights[y + half, x + half] = np.mean(corners) + rough**2 * noise["centre"][i, j]
            for i, j in np.ndindex(cells, cells):
                y, x = i * step, j * step
                for place, (a, b) in {"level": (y, x + half), "upright": (y + half, x)}.items():
                    around = [
                        heights[(a + p) % 8, (b + q) % 8]
                        for p, q in ((half, 0), (-half, 0), (0, half), (0, -half))
                    ]
                    heights[a, b] = np.mean(around) + rough**2 * noise[place][i, j]
            step, rough = half, rough / decay
        expected = (heights - heights.min()) / np.ptp(heights)
        np.testing.assert_allclose(found[image], expected, atol=1e-12)


def test_fog_is_a_plasma_scaled_to_the_brightness_of_the_image():
    images = smooth(3)
    haze = plasma(draws_for("fog", 4, 3), 32, 2)[:, None]
    brightest = images.max((1, 2, 3), keepdims=True) / 255
    expected = levels((images / 255 + haze) * brightest / (brightest + 1))
    np.testing.assert_array_equal(corrupted(images, "fog", 4), expected)


def test_elastic_map_takes_shifted_corners_back():
    shifts = np.random.default_rng(0).uniform(-2, 2, (3, 3, 2))
    rows, columns = elastic._affine((32, 32), shifts)
    corners = 16 + 10 * np.array([[1, 1], [1, -1], [-1, -1]])
    y, x = np.mgrid[:32, :32].reshape(2, -1)
    for image in range(3):
        design = np.stack([x, y, np.ones_like(x)], 1)
        of_columns, of_rows = (
            np.linalg.lstsq(design, values[image].ravel(), rcond=None)[0]
            for values in (columns, rows)
        )
        for corner, shift in zip(corners, shifts[image], strict=True):
            at = np.append(corner + shift, 1)
            np.testing.assert_allclose([at @ of_columns, at @ of_rows], corner, atol=1e-9)


@pytest.mark.parametrize(("fold", "mode"), [("_mirrored", "mirror"), ("_reflected", "reflect")])
def test_bilinear_samples_are_those_of_scipy(fold, mode):
    images = smooth(2, side=9) / 255
    rng = np.random.default_rng(1)
    rows, columns = rng.uniform(-7, 15, (2, 2, 9, 9))
    found = elastic.sampled(images, rows, columns, getattr(elastic, fold))
    for image, channel in np.ndindex(2, 3):
        expected = ndimage.map_coordinates(
            images[image, channel], [rows[image], columns[image]], order=1, mode=mode
        )
        np.testing.assert_allclose(found[image, channel], expected, atol=1e-12)


def test_edges_and_histograms_are_those_of_opencv():
    """OpenCV 5.0's Canny (50, 150) and equalizeHist made these."""
    y, x = np.mgrid[:12, :12]
    drops = np.where((y - 4) ** 2 + (x - 5) ** 2 < 10, 200 - 10 * (y + x) % 60, 0)
    drops[8:11, 7:11], drops[9, 2] = 90, 40
    expected = [
        "............", "....###.....", "...##.##....", "..##....#...", "..#.....#...",
        "..##....#...", "...#...#....", "....###..#..", "..........#.", "......#...#.",
        ".......####.", "............",
    ]  # fmt: skip
    found = spatter.edges(np.stack([drops, drops.T, 0 * drops]))
    assert ["".join(".#"[one] for one in row) for row in found[0].astype(int)] == expected
    assert not found[2].any()

    rising = np.minimum(y + x // 3, 20)
    equal = spatter.equalised(np.stack([rising, np.full_like(rising, 7)]))
    assert equal[0, 0].tolist() == [0, 0, 0, 11, 11, 11, 27, 27, 27, 49, 49, 49]
    assert equal[0, -1].tolist() == [222, 222, 222, 239, 239, 239, 250, 250, 250, 255, 255, 255]
    assert (equal[1] == 7).all()


# ---- by their distributions


def added(name: str, severity: int, value: int, count: int = 60) -> np.ndarray:
    """What a corruption makes of a uniform image."""
    images = np.full((count, 3, 32, 32), value, np.uint8)
    return corrupted(images, name, severity).astype(float)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_and_speckle_noise_have_their_spread(severity):
    scale = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    found = added("gaussian_noise", severity, 128)
    assert found.std() == pytest.approx(255 * scale, rel=0.01)
    assert found.mean() == pytest.approx(127.5, abs=0.5)  # cut off, not rounded
    scale = (0.06, 0.1, 0.12, 0.16, 0.2)[severity - 1]
    for value in (60, 120):
        assert added("speckle_noise", severity, value).std() == pytest.approx(
            value * scale, rel=0.01
        )
    assert not added("speckle_noise", severity, 0).any()


@pytest.mark.parametrize("severity", SEVERITIES)
def test_shot_noise_has_the_distribution_of_poisson(severity):
    photons = (500, 250, 100, 75, 50)[severity - 1]
    for value in (3, 60):
        found = added("shot_noise", severity, value, count=20).ravel()
        counts = np.arange(photons + 1)
        shown = levels(counts / photons)
        chance = stats.poisson.pmf(counts, value / 255 * photons)
        expected = np.bincount(shown, chance, 256) * len(found)
        often = expected > 10
        observed = np.bincount(found.astype(int), minlength=256)
        chi = ((observed - expected)[often] ** 2 / expected[often]).sum()
        assert stats.chi2.sf(chi, often.sum() - 1) > 1e-4
    assert not added("shot_noise", severity, 0).any()
    assert added("shot_noise", severity, 255).mean() > 200


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_is_salt_and_pepper(severity):
    amount = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    found = added("impulse_noise", severity, 128)
    assert set(np.unique(found)) == {0, 128, 255}
    for value in (0, 255):
        assert (found == value).mean() == pytest.approx(amount / 2, rel=0.05)


def test_snow_falls_the_same_way_turned_around():
    black = corrupted(np.zeros((20, 3, 32, 32), np.uint8), "snow", 5)
    np.testing.assert_array_equal(black, black[:, :, ::-1, ::-1])
    assert (black[:, [0]] == black).all()
    least = int(0.2 * 0.5 * 255)
    assert black.min() >= least and black.mean() > least + 5


def test_water_brightens_and_mud_covers():
    images = np.full((60, 3, 32, 32), 100, np.uint8)
    for severity in (1, 2, 3):
        found = corrupted(images, "spatter", severity)
        assert (found >= 99).all() and (found > 110).any()
        lit = found[(found > 110).any(1, keepdims=True).repeat(3, 1)].reshape(-1, 3)
    for severity in (4, 5):
        found = corrupted(images, "spatter", severity).transpose(0, 2, 3, 1).reshape(-1, 3)
        share = (found < 98).any(1).mean()
        assert 0 < share < 0.5
        darkest = found[found.sum(1).argmin()]
        assert np.abs(darkest - [63, 42, 20]).max() <= 1
    assert len(lit)


def test_an_image_without_a_drop_stays_dry(monkeypatch):
    monkeypatch.setattr(spatter, "normal", lambda draws, purpose, shape: -10 * np.ones((4, *shape)))
    images = smooth(4)
    for severity in SEVERITIES:
        assert np.abs(corrupted(images, "spatter", severity).astype(int) - images).max() <= 1


# ---- frost


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Two pictures, the second smaller than the images."""
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, size, dtype=np.uint8) for size in ((3, 50, 40), (3, 20, 70))]


def test_frost_is_a_part_of_a_picture(pictures):
    black = np.zeros((30, 3, 32, 32), np.uint8)
    found = corrupted(black, "frost", 4, pictures)
    places = [
        np.floor(0.4 * np.roll(picture, (-row, -column), (1, 2))[:, :1, :32])
        for picture in pictures
        for row in range(picture.shape[1])
        for column in range(max(1, picture.shape[2] - 32))
    ]
    for image in found:
        assert any((image[:, :1] == place).all() for place in places)
    images = smooth(3)
    cover = corrupted(np.zeros_like(images), "frost", 1, pictures) / 0.2
    mixed = corrupted(images, "frost", 1, pictures)
    assert np.abs(mixed - np.clip(images + 0.2 * cover, 0, 255)).max() <= 1.01


def test_frost_on_a_grey_image_is_the_luminance_of_the_picture(pictures):
    colour, grey = (
        corrupted(np.zeros((4, channels, 32, 32), np.uint8), "frost", 5, pictures)
        for channels in (3, 1)
    )
    expected = np.tensordot([0.299, 0.587, 0.114], colour, (0, 1))
    assert np.abs(grey[:, 0] - expected).max() < 2


def test_procedural_frost_has_the_statistics_of_the_pictures():
    """Those of 32 x 32 parts of the published pictures: means 129 to 205, deviations 15 to 35
    within a part, 9 to 16 between the means of parts, and a spectrum that falls with the 0.2th to
    0.6th power of the frequency."""
    black = np.zeros((400, 1, 32, 32), np.uint8)
    cover = corrupted(black, "frost", 5)[:, 0] / 0.45
    assert 140 < cover.mean() < 180
    assert 12 < cover.std((1, 2)).mean() < 35
    window = np.outer(np.hanning(32), np.hanning(32))
    spectrum = np.abs(np.fft.fft2((cover - cover.mean((1, 2), keepdims=True)) * window)).mean(0)
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(32) * 32, np.fft.fftfreq(32) * 32))
    rings = [spectrum[(radius >= r - 0.5) & (radius < r + 0.5)].mean() for r in range(2, 16)]
    slope = np.polyfit(np.log(np.arange(2, 16)), np.log(rings), 1)[0]
    assert -0.7 < slope < -0.2


def test_every_fifth_pixel_of_the_pictures_is_read(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50, 65, 3), dtype=np.uint8)
    for name in ("frost1.png", "frost2.png", "frost3.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    for name in ("frost4.jpg", "frost5.jpg"):
        Image.fromarray(pixels).save(tmp_path / name)
    found = read_pictures(tmp_path)
    assert len(found) == 5
    np.testing.assert_array_equal(found[1], pixels[2::5, 2::5].transpose(2, 0, 1))
    (tmp_path / "frost4.jpg").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"frost4\.jpg cannot be read as a picture of frost"):
        read_pictures(tmp_path)
    Image.fromarray(pixels[:4]).save(tmp_path / "frost1.png")
    with pytest.raises(UserError, match=r"frost1\.png has 65 x 4 pixels, expected at least 5 x 5"):
        read_pictures(tmp_path)
