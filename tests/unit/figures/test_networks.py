"""Figures of spectra, kernels, activations and layers on invented numbers."""

import re

import numpy as np
import pytest
from invented_artifacts import artifact_of
from invented_networks import NETWORKS, TITLES, Invented
from matplotlib.colors import to_rgba

from passband.errors import UserError
from passband.figures.input_spectra import draw_input_spectra
from passband.figures.kernels import GAP, PIXELS, draw_kernel_frequencies, draw_kernels, tiled
from passband.figures.load import probe_arrays, read_curves
from passband.figures.ratio_curves import DEFINITIONS, ratio_curves
from passband.figures.similarity import draw_similarity, read_similarity
from passband.figures.style import method_looks

PAIR = ("natural", "PGD-7-AT")


def looks(methods):
    known = {"natural": {"label": "Natural", "colour": "blue"}, "PGD-7-AT": {"colour": "green"}}
    return method_looks(methods, known)


def similarity_of(folder, entries, attacked=None):
    artifact = artifact_of(folder, "fourier_study.fig6", entries)
    return read_similarity(artifact, "layer-similarity", attacked)


def drawn(axes) -> np.ndarray:
    """The picture in a panel, one value per cell again, masked ones as NaN."""
    return np.ma.filled(axes.images[0].get_array().astype(float), np.nan)


def cells(axes) -> np.ndarray:
    """The values of a heat map of seaborn's."""
    return np.ma.filled(axes.collections[0].get_array().astype(float), np.nan)


def pair(**options):
    return lambda root, probe="first-kernels": {
        method: probe_arrays(Invented(root, method).kernels(probe, **options).entry(), probe)
        for method in PAIR
    }


def test_spectra_share_one_scale_and_state_their_energy(tmp_path):
    arrays = probe_arrays(Invented(tmp_path).spectra().entry(), "input-spectra")
    figure = draw_input_spectra(arrays, 16, "PGD-20")
    *planes, profile, _ = figure.axes
    names = ("clean", "adversarial", "difference")
    assert len({axes.images[0].norm for axes in planes}) == 1
    for axes, name in zip(planes, names, strict=True):
        assert drawn(axes)[::8, ::8] == pytest.approx(arrays[f"spectrum_{name}"])
        assert axes.images[0].get_extent() == [-16.5, 15.5, 15.5, -16.5]
        share = arrays[f"energy_share_{name}"].astype(float)
        rest = (share - share / 4) / (1 - share / 4)
        assert f"inside {100 * share.mean():.1f} %" in axes.get_xlabel()
        assert f"without DC {100 * rest.mean():.1f} %" in axes.get_xlabel()
    curves = [line for line in profile.lines if len(line.get_xdata()) == 16]
    for line, name in zip(curves, names, strict=True):
        rings = arrays[f"amplitude_by_radius_{name}"]
        assert line.get_ydata() == pytest.approx(rings.mean(1)[1:]) and len(rings) == 17


def test_kernels_are_drawn_by_channel_and_kernel_about_zero(tmp_path):
    kernels = pair()(tmp_path)
    figure = draw_kernels(kernels, looks(kernels))
    for axes, arrays in zip(figure.axes[:2], kernels.values(), strict=True):
        picture, pitch = drawn(axes), 3 * PIXELS + GAP
        assert picture.shape == (3 * pitch - GAP, 16 * pitch - GAP)
        weights = picture[pitch : pitch + 3 * PIXELS : PIXELS, 5 * pitch :: PIXELS][:, :3]
        assert weights == pytest.approx(arrays["weights"][5, 1])
        assert f"total variation {arrays['total_variation'].mean():.2f}" in axes.get_title()
        assert f"same sign {100 * arrays['sign_agreement'].mean():.0f} [" in axes.get_title()
        assert [label.get_text() for label in axes.get_yticklabels()] == ["red", "green", "blue"]
    assert figure.axes[0].get_title().startswith("Natural")
    norms = [axes.images[0].norm for axes in figure.axes[:2]]
    largest = max(np.abs(arrays["weights"]).max() for arrays in kernels.values())
    assert all(norm.vmax == -norm.vmin == pytest.approx(largest) for norm in norms)


@pytest.mark.parametrize(
    ("channels", "count", "labels"),
    [(1, 8, ["grey"]), (16, 16, ["channel 1", "channel 2", "channel 3"])],
)
def test_kernel_grid_says_which_channels_it_shows(tmp_path, channels, count, labels):
    kernels = pair(channels=channels, count=count)(tmp_path)
    axes = draw_kernels(kernels, looks(kernels)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == labels
    assert len(axes.get_xticks()) == count
    assert axes.get_ylabel() == ("the first 3 of\n16 input channels" if channels == 16 else "")


@pytest.mark.parametrize("count", [4, 8, 16])
def test_titles_of_kernels_do_not_meet_the_colour_bar(tmp_path, count):
    kernels = pair(channels=1, count=count)(tmp_path)
    known = {"PGD-7-AT": {"label": "PGD-7-AT, one step (paper: PGD-7)"}}
    figure = draw_kernels(kernels, method_looks(kernels, known))
    figure.draw_without_rendering()
    *panels, bar = figure.axes
    for axes in panels:
        title = axes.title.get_window_extent()
        assert not title.overlaps(bar.get_tightbbox()) and title.x0 > figure.bbox.x0


def test_kernel_grid_says_which_kernels_it_shows(tmp_path):
    kernels = pair(count=20)(tmp_path)
    figure = draw_kernels(kernels, looks(kernels))
    assert figure.axes[1].get_xlabel() == "kernel (the first 16 of 20)"
    assert len(figure.axes[0].get_xticks()) == 16


def test_a_share_of_neighbours_has_an_interval_within_a_hundred_percent(tmp_path):
    kernels = pair()(tmp_path)
    kernels["natural"]["sign_agreement"] = np.array([1.0] * 15 + [0.5])
    title = draw_kernels(kernels, looks(kernels)).axes[0].get_title()
    assert re.search(r"same sign 97 \[\d+, 100\] %", title)


def test_each_model_has_its_own_scale_where_it_is_asked_for(tmp_path):
    kernels = pair()(tmp_path)
    kernels["natural"]["weights"] = 9 * kernels["natural"]["weights"]
    figure = draw_kernels(kernels, looks(kernels), own_scales=True)
    assert len(figure.axes) == 4, "a colour bar for each model"
    for axes, arrays in zip(figure.axes[:2], kernels.values(), strict=True):
        largest = np.abs(arrays["weights"]).max()
        norm = axes.images[0].norm
        assert norm.vmax == -norm.vmin == pytest.approx(largest)


def test_kernels_of_five_by_five_weights_are_drawn_whole(tmp_path):
    kernels = pair()(tmp_path)
    for arrays in kernels.values():
        arrays["weights"] = np.pad(arrays["weights"], [(0, 0), (0, 0), (1, 1), (1, 1)])
    axes = draw_kernels(kernels, looks(kernels)).axes[0]
    pitch = 5 * PIXELS + GAP
    assert drawn(axes).shape == (3 * pitch - GAP, 16 * pitch - GAP)
    weights = drawn(axes)[pitch : pitch + 5 * PIXELS : PIXELS, 5 * pitch :: PIXELS][:, :5]
    assert weights == pytest.approx(kernels["natural"]["weights"][5, 1])


def test_gaps_between_kernels_are_empty():
    picture = tiled(np.ones((2, 3, 3, 3)))
    assert np.isfinite(picture).sum() == 2 * 3 * 9 * PIXELS**2


def test_frequency_maps_and_share_by_layer(tmp_path):
    kernels = pair()(tmp_path)
    figure = draw_kernel_frequencies(kernels, looks(kernels))
    below, natural, robust, _ = figure.axes
    assert natural.images[0].norm.vmax == robust.images[0].norm.vmax
    for axes, method in ((natural, "natural"), (robust, "PGD-7-AT")):
        arrays = kernels[method]
        amplitudes = arrays["frequency_map"]
        assert drawn(axes)[::9, ::9][: len(amplitudes)] == pytest.approx(amplitudes)
        assert [label.get_text() for label in axes.get_xticklabels()] == ["low", "high", "low"]
        assert [line.get_xdata()[0] for line in axes.lines] == [6.5, 20.5]
        assert f"middle half {100 * arrays['high_share'].mean():.0f} [" in axes.get_title()
    lines = {line.get_label(): line.get_ydata() for line in below.lines}
    for name, method in (("Natural", "natural"), ("PGD-7-AT", "PGD-7-AT")):
        assert lines[name] == pytest.approx(100 * kernels[method]["high_share_by_layer"])
    assert lines["flat spectrum"] == pytest.approx([1400 / 27, *[100 * 73 / 144] * 7])


def test_frequency_maps_need_all_layers(tmp_path):
    kernels = pair(all_layers=False)(tmp_path)
    with pytest.raises(UserError, match="all_layers"):
        draw_kernel_frequencies(kernels, looks(kernels))


def test_ratio_curves_show_every_definition_and_the_printed_ends(tmp_path):
    entries = [
        Invented(tmp_path, method, seed=seed).curves().entry() for method in PAIR for seed in (0, 1)
    ]
    artifact = artifact_of(tmp_path, "fourier_study.fig5", entries)
    figure = ratio_curves(artifact, **artifact.options)
    curves = read_curves(entries, "first-activation")
    assert [axes.get_title() for axes in figure.axes] == list(DEFINITIONS.values())
    for axes, definition in zip(figure.axes, DEFINITIONS, strict=True):
        here = curves[curves["definition"] == definition]
        for name, method in zip(("Natural", "PGD-7-AT"), PAIR, strict=True):
            (line,) = [line for line in axes.lines if line.get_label() == name]
            mean = here[here["method"] == method].groupby("epoch")["value"].mean()
            assert list(line.get_xdata()) == list(range(1, 13))
            assert line.get_ydata() == pytest.approx(mean.to_numpy())
    marks = [
        (line.get_xdata()[0], line.get_ydata()[0], to_rgba(line.get_markeredgecolor()))
        for line in figure.axes[0].lines
        if line.get_linestyle() == "None" and len(line.get_xdata())
    ]
    blue, green = to_rgba("#0072b2"), to_rgba("#009e73")
    assert marks == [(1, 1.01, blue), (12, 2.03, blue), (1, 1.0, green), (12, 6.36, green)]


@pytest.mark.parametrize("recorded", [None, "another-recorder"])
def test_ratio_that_was_not_recorded_is_explained(tmp_path, recorded):
    network = Invented(tmp_path, "PGD-7-AT")
    entry = (network.curves(recorder=recorded) if recorded else network).entry()
    with pytest.raises(UserError, match="recorded no 'first-activation': list it"):
        read_curves([entry], "first-activation")


def test_layer_similarity_by_method_states_its_mean_between_thirds(tmp_path):
    entries = [Invented(tmp_path, method).similarity().entry() for method in PAIR]
    panels = similarity_of(tmp_path, entries)
    figure = draw_similarity(panels)
    for axes, entry, name in zip(figure.axes, entries, ("Natural", "PGD-7-AT"), strict=False):
        cka = probe_arrays(entry, "layer-similarity")["cka"]
        assert cells(axes) == pytest.approx(cka)
        expected = np.mean([cka[i, j] for i in range(3) for j in range(6, 9)])
        assert axes.get_title().startswith(f"{name}\nshallow–deep CKA {expected:.2f} [")
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == [f"conv{layer}  {layer + 1}" for layer in range(9)]
        assert axes.collections[0].get_clim() == (0, 1) and axes.get_ylim() == (0, 9)
        assert list(axes.get_xticks()) == [layer + 0.5 for layer in range(9)]
        corners = sorted(tuple(np.round(patch.get_xy())) for patch in axes.patches)
        assert corners == [(0, 6), (6, 0)]
        assert {round(patch.get_width()) for patch in axes.patches} == {3}


def test_layer_similarity_by_network_with_clean_accuracy(tmp_path):
    entries = [
        Invented(tmp_path, network=name, seed=seed).similarity().clean(70 + place).entry()
        for place, name in enumerate(NETWORKS)
        for seed in (1, 0)
    ]
    panels = similarity_of(tmp_path, entries, "pgd-20")
    titles = [TITLES[name] for name, _, _ in NETWORKS.values()]
    assert [panel.title for panel in panels] == titles
    assert [panel.clean.effect for panel in panels] == [70, 71, 72, 73]
    figure = draw_similarity(panels)
    assert "clean accuracy 73.0 [" in figure.axes[3].get_title()
    assert figure.get_size_inches()[0] < 7.2


def test_layer_of_one_answer_is_grey(tmp_path):
    panel = similarity_of(tmp_path, [Invented(tmp_path).similarity().entry()])[0]
    panel.cka[2] = np.nan
    image = draw_similarity([panel]).axes[0].collections[0]
    colours = image.to_rgba(image.get_array()).reshape(9, 9, 4)
    assert to_rgba("#9aa0a6") == tuple(colours[2, 1]) != tuple(colours[1, 1])
