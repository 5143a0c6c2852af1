"""Tables and figures of fourier_study on invented numbers."""

import re
from pathlib import Path

import jupytext
import numpy as np
import pandas as pd
import pytest
import torch
from invented_fourier_study import (
    ACCURACY,
    ATTACKS,
    METHODS,
    NETWORKS,
    Invented,
    attacked_models,
)
from matplotlib.colors import to_rgba
from notebook_inputs import MARK, REFERENCE, TEMPLATES, notebook_parameters
from passband.figures.attack_table import (
    COLUMNS,
    attack_cells,
    attack_layout,
    attack_notes,
    unfiltered,
)
from passband.figures.intervals import accuracy_interval
from passband.figures.reference import (
    architecture_title,
    read_attack_reference,
    read_ratio_reference,
)
from passband.figures.sentinels import out_of_order

from passband.compute import Compute
from passband.errors import UserError
from passband.evaluation import frozen
from passband.figures.fourier_overview import fourier_overview
from passband.figures.input_spectra import input_spectra, normalised
from passband.figures.kernels import GAP, PIXELS, kernel_frequencies, kernel_grid, tiled
from passband.figures.load import first_seeds, probe_arrays, probe_metadata, read_histories
from passband.figures.ratio_curves import DEFINITIONS, ratio_curves
from passband.figures.render import render
from passband.figures.save import save_figure
from passband.figures.similarity import layer_similarity, read_similarity
from passband.figures.tables import to_html, to_latex
from passband.models import build
from passband.probes import Subject
from passband.probes.cka import layer_similarity as similarity_probe
from passband.probes.filtered_attacks import accuracy_under_filtered_attacks
from passband.probes.inputs import input_spectra as spectra_probe
from passband.probes.kernels import kernels as kernels_probe
from passband.spectra.activations import RATIOS

BASELINES = {  # the paper's clean accuracies and those under PGD-20 of one network
    **dict.fromkeys((1, 4, 5), ("76.67", "43.12")),
    2: ("75.02", "42.89"),
    3: ("74.91", "42.13"),
}
PAIR = ("natural", "PGD-7-AT")


def reference(number: int) -> pd.DataFrame:
    return read_attack_reference(REFERENCE / f"fourier_study_table{number}.csv")


def table(models, number):
    """The cells of a table, and its HTML and LaTeX as the notebook writes them."""
    paper = reference(number)
    cells = attack_cells(models, paper)
    arguments = cells, MARK, attack_layout(cells, paper), attack_notes(cells, paper)
    return cells, to_html(*arguments), to_latex(*arguments)


def drawn(axes) -> np.ndarray:
    """The picture in a panel, one value per cell again, masked ones as NaN."""
    return np.ma.filled(axes.images[0].get_array().astype(float), np.nan)


def pair(**options):
    return lambda root, probe="first-kernels": {
        method: probe_arrays(Invented(root, method).kernels(probe, **options).entry(), probe)
        for method in PAIR
    }


# ---- the paper's numbers


@pytest.mark.parametrize("number", METHODS)
def test_every_row_of_the_paper_meets_one_of_our_models(number):
    paper = reference(number)
    rows = paper.drop_duplicates(["paper_model", "method", "fraction"])
    assert len(paper) == 7 * len(rows)
    assert set(paper["metric"]) == {metric for metric, _ in COLUMNS.values()}
    assert rows["method"].tolist() == (METHODS[1] * 5 if number == 1 else METHODS[number])
    shares = [1, 28 / 32, 24 / 32, 20 / 32, 16 / 32] if number == 1 else [1] * len(rows)
    assert rows["fraction"].tolist() == shares
    titles = [architecture_title(name) for name in NETWORKS]
    assert rows["paper_model"].tolist() == (titles if number == 4 else ["ResNet-20"] * len(rows))


def test_batches_of_other_sizes_than_the_papers_say_so(tmp_path):
    sizes = dict(zip(METHODS[2], (512, 64, 64, 16, 8), strict=True))
    entries = [
        Invented(tmp_path, method, batch_size=size).attacked().entry()
        for method, size in sizes.items()
    ]
    rows = attack_cells(entries, reference(2))["row"].unique().tolist()
    assert rows == ["512", "64 (paper: 256)", "64 (paper: 128)", "16 (paper: 64)", "8 (paper: 32)"]


def test_rows_are_called_as_in_the_paper():
    names = {number: list(dict.fromkeys(reference(number)["row_name"])) for number in METHODS}
    assert names[2] == ["512", "256", "128", "64", "32"]
    assert names[3] == [
        *("none", "A-mixup", "C-mixup", "A-cutout", "C-cutout", "A-cutmix", "C-cutmix")
    ]
    assert names[5] == ["QM-32", "QM-32+FAT", "QM-4", "QM-4+FAT", "QM-2", "QM-2+FAT"]
    assert names[1] == names[4] == [""]


@pytest.mark.parametrize("number", BASELINES)
def test_baseline_is_known_to_be_printed_with_three_values(number):
    paper = reference(number)
    clean = paper[paper["metric"] == "clean"]
    noted = clean[clean["paper_note"] != ""]
    assert len(noted) == 1 and noted.iloc[0]["paper_value"] == float(BASELINES[number][0])
    others = {
        f"Table {other}": value
        for other, (value, _) in sorted(BASELINES.items())
        if value != BASELINES[number][0]
    }
    assert noted.iloc[0]["paper_elsewhere"] == others
    assert (paper["paper_note"] != "").sum() == 7


def test_ratios_that_the_text_prints():
    printed = read_ratio_reference(REFERENCE / "fourier_study_text.csv")
    values = printed.set_index(["method", "epoch"])["paper_value"].to_dict()
    assert values == {
        ("natural", "first"): 1.01, ("natural", "last"): 2.03,
        ("PGD-7-AT", "first"): 1.0, ("PGD-7-AT", "last"): 6.36,
    }  # fmt: skip


def test_networks_have_the_papers_titles():
    titles = {
        "resnet20": "ResNet-20", "mobilenet_v2": "MobileNet-V2", "efficientnet_b0": "EfficientNet",
        "wrn_34_10": "WRN-34-10", "resnet8_hardtanh": "ResNet-8 (hardtanh)",
        "mobilenet_v2_tiny": "MobileNet-V2 (tiny)", "efficientnet_tiny": "EfficientNet (tiny)",
    }  # fmt: skip
    assert {name: architecture_title(name) for name in titles} == titles


# ---- tables


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Entries by number of the table."""
    root = tmp_path_factory.mktemp("attacked")
    return {number: attacked_models(root / str(number), number) for number in METHODS}


@pytest.mark.parametrize("number", METHODS)
def test_tables_have_every_cell_of_the_paper(models, number):
    cells, html, latex = table(models[number], number)
    assert len(cells) == len(reference(number))
    assert list(dict.fromkeys(cells["column"])) == list(COLUMNS)
    assert cells["paper_value"].notna().all()
    difference = cells["value"] - cells["paper_value"]
    assert cells["difference"].to_numpy() == pytest.approx(difference.to_numpy())
    assert sorted(cells["paper_value"]) == sorted(reference(number)["paper_value"])
    assert html.count('scope="row"') == len(cells) / 7
    assert html.count('<span class="n">n = 400</span>') == 7
    fields = {line.count("&") for line in latex.splitlines() if "&" in line}
    assert fields == {8}
    assert "nan" not in html + latex and "<NA>" not in html + latex


@pytest.mark.parametrize("number", METHODS)
def test_baseline_carries_a_dagger_and_a_note_on_the_other_tables(models, number):
    _, html, latex = table(models[number], number)
    assert html.count("†</abbr>") == 7
    (note,) = re.findall("<li>† (.*)</li>", html)
    for other, (clean, attacked) in BASELINES.items():
        assert (clean in note) == (attacked in note) == (clean != BASELINES[number][0]), other
    assert ("in Tables 1, 4 and 5" in note) == (number in (2, 3))
    assert ("in Table 2" in note) == (number != 2) and ("in Table 3" in note) == (number != 3)
    assert latex.count(r"$^{\dagger}$") == 8


def test_filters_are_rows_of_one_model(models):
    cells, html, latex = table(models[1], 1)
    rows = list(dict.fromkeys(cells["row"]))
    assert rows == ["k = 32 (no filter)", "k = 28", "k = 24", "k = 20", "k = 16"]
    cell = cells.query("row == 'k = 20' and column == 'PGD-20'").iloc[0]
    assert cell["value"] == 44.5 and cell["paper_value"] == 44.99 and cell["fraction"] == 0.625
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval([44.5], 400)
    assert 'class="best"' not in html and r"\textbf" not in latex and "Bold" not in html
    assert ">Low-pass filter</th>" in html and 'rowspan="5"' in html


def test_other_image_sizes_meet_the_paper_by_the_share_of_the_side(tmp_path):
    cells, _, _ = table(attacked_models(tmp_path, 1, side=28), 1)
    natural = cells[cells["column"] == "Natural"]
    assert natural["bandwidth"].tolist() == [28, 24, 20, 18, 14]
    assert natural["paper_value"].tolist() == [76.67, 76.60, 76.28, 75.70, 74.18]


def test_rows_without_a_filter_only(models):
    cells, html, _ = table(models[5], 5)
    assert set(cells["bandwidth"]) == {32}
    values = cells.query("row == 'QM-2+FAT'").set_index("column")["value"]
    expected = ACCURACY + 2.5
    for column, (_, attack) in COLUMNS.items():
        assert values[column] == expected[["none", *ATTACKS].index(attack)]
    assert html.count('class="best"') == 7
    assert ">Quantisation</th>" in html
    assert 'scope="rowgroup" rowspan="6">Fashion-MNIST sample' in html
    assert '<span class="detail">ResNet-8 (hardtanh)</span>' in html
    assert '<span class="nowrap">ResNet-20</span>' in html


def test_networks_are_rows_with_their_parameters(models):
    cells, html, latex = table(models[4], 4)
    counts = {architecture_title(name): count for name, count, _ in NETWORKS.values()}
    assert cells.groupby("row", sort=False)["parameters"].first().to_dict() == counts
    assert '<span class="detail">45,210 parameters</span>' in html
    assert '<span class="detail">paper: MobileNet-V2</span>' in html
    assert html.count('scope="rowgroup"') == 1 and ">Network</th>" in html
    assert r"{\scriptsize 45,210 parameters}" in latex
    efficient = cells.query("row == 'EfficientNet (tiny)' and column == 'CW-20'").iloc[0]
    assert efficient["paper_value"] == 46.39


def test_paper_networks_need_no_counterpart(tmp_path):
    entries = [
        Invented(tmp_path, network=name, architecture=name).attacked().entry() for name in NETWORKS
    ]
    assert "paper: MobileNet-V2" not in table(entries, 4)[1]


def test_seeds_are_averaged(tmp_path):
    cells, html, _ = table(attacked_models(tmp_path, 2, seeds=(0, 1)), 2)
    cell = cells.query("row == '128' and column == 'FGSM'").iloc[0]
    assert (cell["value"], cell["ci_low"], cell["ci_high"]) == accuracy_interval([50, 51], 400)
    assert set(cells["seeds"]) == {2} and "means over 2 training runs" in html


def test_row_where_iterating_does_not_help_the_attacker_is_flagged(tmp_path):
    entries = attacked_models(tmp_path, 3)
    entries[2] = Invented(tmp_path, "PGD-7-AT+C-mixup").attacked(broken=True).entry()
    cells, html, latex = table(entries, 3)
    assert set(cells.loc[cells["sentinels"] != "", "row"]) == {"C-mixup"}
    (note,) = re.findall("<li>‡ (.*)</li>", html.replace("&nbsp;", " "))
    assert note.startswith("C-mixup: robustness may be false. More steps help the defender: ")
    for iterated in ("PGD-20", "BIM-20"):
        assert f"43.0 % are right under {iterated} and 20.0 % under FGSM" in note
    assert "all pass" not in html and r"C-mixup$^{\ddagger}$" in latex


def test_only_the_unfiltered_row_of_a_model_is_flagged(tmp_path):
    cells, _, _ = table([Invented(tmp_path).attacked(broken=True).entry()], 1)
    flagged = cells[cells["sentinels"] != ""]
    assert set(flagged["row"]) == {"k = 32 (no filter)"}


def test_single_step_is_compared_with_both_iterated_attacks(models):
    run = unfiltered(models[1][0])
    assert set(run) == {"none", *ATTACKS} and run["fgsm"].mean() == 0.49
    assert out_of_order([run]) == []
    everything = np.ones(400, np.uint8)
    (reason,) = out_of_order([run | {"none": everything, "bim-20": everything}])
    assert "100.0 % are right under BIM-20 and 49.0 % under FGSM" in reason


@pytest.mark.parametrize("name", ["FGSM", "PGD-20", "BIM-20", "TPGD-20", "CW-20"])
def test_attack_that_helps_is_a_sign_of_false_robustness(models, name):
    run = unfiltered(models[1][0])
    clean = np.zeros_like(run["none"])
    helped = dict.fromkeys(run, clean) | {name.lower(): run["fgsm"]}
    reason = out_of_order([helped])[0]
    assert reason.startswith("being attacked helps the defender: 49.0 % are right under " + name)
    assert "and 0.0 % without an attack, on the same 400 images" in reason
    noise = clean.copy()
    noise[:5] = 1  # five more of 400 is chance, six is not
    assert out_of_order([dict.fromkeys(run, clean) | {name.lower(): noise}]) == []
    noise[5] = 1
    assert out_of_order([dict.fromkeys(run, clean) | {name.lower(): noise}]) != []


def test_attack_that_was_not_measured_is_explained(models, tmp_path):
    entry = Invented(tmp_path).attacked().entry()
    csv = Path(entry["probes"]["filtered-attacks"]["csv"])
    csv.write_text(re.sub(r".*attack=cw-20.*\n", "", csv.read_text()))
    with pytest.raises(UserError, match="did not measure attack 'cw-20'"):
        attack_cells([entry], reference(1))


# ---- figures


def test_overview_is_a_vector_drawing_without_overlapping_words(tmp_path):
    figure = fourier_overview()
    save_figure(figure, {"svg": tmp_path / "one.svg"}, "")
    save_figure(fourier_overview(), {"svg": tmp_path / "two.svg"}, "")
    svg = (tmp_path / "one.svg").read_text()
    assert svg == (tmp_path / "two.svg").read_text() and "<image" not in svg
    words = [text for axes in figure.axes for text in (*axes.texts, axes.title)]
    boxes = [text.get_window_extent() for text in words]
    for place, first in enumerate(boxes):
        assert not any(first.overlaps(second) for second in boxes[place + 1 :])
        assert all(axes.bbox.x0 <= first.x0 for axes in figure.axes[:1])
    assert {"ResNet-20", "EfficientNet", "C-", "A-", "mask"} <= {text.get_text() for text in words}


def test_spectra_are_scaled_to_one_and_state_their_energy(tmp_path):
    arrays = probe_arrays(Invented(tmp_path).spectra().entry(), "input-spectra")
    figure = input_spectra(arrays, 16)
    *planes, profile, bar = figure.axes
    for axes, name in zip(planes, ("clean", "adversarial", "difference"), strict=True):
        spectrum = np.log1p(arrays[f"spectrum_{name}"])
        shown = drawn(axes)[::8, ::8]
        expected = (spectrum - spectrum.min()) / (spectrum.max() - spectrum.min())
        assert shown == pytest.approx(expected, abs=1e-6)
        assert (shown.min(), shown.max()) == (0, 1)
        assert axes.images[0].get_extent() == [-16.5, 15.5, 15.5, -16.5]
        share = 100 * arrays[f"energy_share_{name}"].mean()
        assert f"energy inside: {share:.1f} %" in axes.get_title()
    assert bar.get_xlim() == (0, 1)
    for line, name in zip(profile.lines, ("clean", "adversarial", "difference"), strict=False):
        rings = arrays[f"amplitude_by_radius_{name}"]
        assert line.get_ydata() == pytest.approx(rings.mean(1)) and len(rings) == 17


def test_flat_spectrum_is_drawn_as_zero():
    assert (normalised(np.full((4, 4), 3.0)) == 0).all()


def test_kernels_are_drawn_by_channel_and_kernel_about_zero(tmp_path):
    kernels = pair()(tmp_path)
    figure = kernel_grid(kernels)
    for axes, arrays in zip(figure.axes[:2], kernels.values(), strict=True):
        picture, pitch = drawn(axes), 3 * PIXELS + GAP
        assert picture.shape == (3 * pitch - GAP, 16 * pitch - GAP)
        weights = picture[pitch : pitch + 3 * PIXELS : PIXELS, 5 * pitch :: PIXELS][:, :3]
        assert weights == pytest.approx(arrays["weights"][5, 1])
        norm = axes.images[0].norm
        assert norm.vmax == -norm.vmin == pytest.approx(np.abs(arrays["weights"]).max())
        assert f"total variation {arrays['total_variation'].mean():.2f}" in axes.get_title()
        assert [label.get_text() for label in axes.get_yticklabels()] == ["red", "green", "blue"]
    assert figure.axes[0].get_title().startswith("Natural")
    assert figure.axes[0].images[0].norm.vmax != figure.axes[1].images[0].norm.vmax


@pytest.mark.parametrize(
    ("channels", "count", "labels"),
    [(1, 8, ["grey"]), (16, 16, ["channel 1", "channel 2", "channel 3"])],
)
def test_kernel_grid_says_which_channels_it_shows(tmp_path, channels, count, labels):
    axes = kernel_grid(pair(channels=channels, count=count)(tmp_path)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == labels
    assert len(axes.get_xticks()) == count
    assert axes.get_ylabel() == ("the first 3 of\n16 input channels" if channels == 16 else "")


def test_kernel_grid_says_which_kernels_it_shows(tmp_path):
    figure = kernel_grid(pair(count=20)(tmp_path))
    assert figure.axes[1].get_xlabel() == "kernel (the first 16 of 20)"
    assert len(figure.axes[0].get_xticks()) == 16


def test_gaps_between_kernels_are_empty():
    picture = tiled(np.ones((2, 3, 3, 3)))
    assert np.isfinite(picture).sum() == 2 * 3 * 9 * PIXELS**2


def test_frequency_maps_and_share_by_layer(tmp_path):
    kernels = pair()(tmp_path)
    figure = kernel_frequencies(kernels)
    below, natural, _, robust, _ = figure.axes
    for axes, method in ((natural, "natural"), (robust, "PGD-7-AT")):
        arrays = kernels[method]
        amplitudes = arrays["frequency_map"]
        assert drawn(axes)[::9, ::9][: len(amplitudes)] == pytest.approx(amplitudes)
        assert [label.get_text() for label in axes.get_xticklabels()] == ["low", "high", "low"]
        assert [line.get_xdata()[0] for line in axes.lines] == [6.5, 20.5]
        assert f"{100 * arrays['high_share'].mean():.0f} % of the energy" in axes.get_title()
    lines = {line.get_label(): line.get_ydata() for line in below.lines}
    for name, method in (("Natural", "natural"), ("PGD-7-AT", "PGD-7-AT")):
        assert lines[name] == pytest.approx(100 * kernels[method]["high_share_by_layer"])
    assert lines["flat spectrum"] == pytest.approx([1400 / 27, *[100 * 73 / 144] * 7])


def test_frequency_maps_need_all_layers(tmp_path):
    with pytest.raises(UserError, match="all_layers"):
        kernel_frequencies(pair(all_layers=False)(tmp_path))


def test_ratio_curves_show_every_definition_and_the_printed_ends(tmp_path):
    entries = [
        Invented(tmp_path, method, seed=seed).history().entry()
        for method in PAIR
        for seed in (0, 1)
    ]
    histories = read_histories(entries)
    figure = ratio_curves(histories, read_ratio_reference(REFERENCE / "fourier_study_text.csv"))
    assert [axes.get_title() for axes in figure.axes] == list(DEFINITIONS.values())
    for axes, definition in zip(figure.axes, DEFINITIONS, strict=True):
        column = f"lfi_hfi_{definition}"
        for name, method in zip(("Natural", "PGD-7-AT"), PAIR, strict=True):
            (line,) = [line for line in axes.lines if line.get_label() == name]
            mean = histories[histories["method"] == method].groupby("epoch")[column].mean()
            assert list(line.get_xdata()) == list(range(1, 13))
            assert line.get_ydata() == pytest.approx(mean.to_numpy())
    marks = [
        (line.get_xdata()[0], line.get_ydata()[0], to_rgba(line.get_markeredgecolor()))
        for line in figure.axes[0].lines
        if line.get_linestyle() == "None" and len(line.get_xdata())
    ]
    blue, green = to_rgba("#0072b2"), to_rgba("#009e73")
    assert marks == [(1, 1.01, blue), (12, 2.03, blue), (1, 1.0, green), (12, 6.36, green)]


def test_ratio_that_was_not_traced_is_explained(tmp_path):
    entries = [
        Invented(tmp_path, method).history(traced=method == "natural").entry() for method in PAIR
    ]
    printed = read_ratio_reference(REFERENCE / "fourier_study_text.csv")
    with pytest.raises(UserError, match=r"'PGD-7-AT' recorded no lfi_hfi_per_channel.*`trace`"):
        ratio_curves(read_histories(entries), printed)


def test_layer_similarity_by_method_states_its_mean_between_thirds(tmp_path):
    entries = [Invented(tmp_path, method).similarity().entry() for method in PAIR]
    panels = read_similarity(entries)
    figure = layer_similarity(panels)
    for axes, entry, name in zip(figure.axes, entries, ("Natural", "PGD-7-AT"), strict=False):
        cka = probe_arrays(entry, "layer-similarity")["cka"]
        assert drawn(axes)[::28, ::28] == pytest.approx(cka)
        expected = np.mean([cka[i, j] for i in range(3) for j in range(6, 9)])
        assert axes.get_title() == f"{name}\nshallow–deep CKA {expected:.2f}"
        assert (axes.images[0].norm.vmin, axes.images[0].norm.vmax) == (0, 1)
        assert list(axes.get_xticks()) == [1, 3, 7, 9]
        corners = sorted(tuple(np.round(patch.get_xy())) for patch in axes.patches)
        assert corners == [(1, 7), (7, 1)]
        assert {round(patch.get_width()) for patch in axes.patches} == {3}


def test_layer_similarity_by_network_with_clean_accuracy(tmp_path):
    entries = [
        Invented(tmp_path, network=name, seed=seed).similarity().clean(70 + place).entry()
        for place, name in enumerate(NETWORKS)
        for seed in (1, 0)
    ]
    panels = read_similarity(entries)
    titles = [architecture_title(name) for name, _, _ in NETWORKS.values()]
    assert [panel.title for panel in panels] == titles
    assert [panel.clean for panel in panels] == [70, 71, 72, 73]
    figure = layer_similarity(panels)
    assert "clean accuracy 73.0 %" in figure.axes[3].get_title()
    assert figure.get_size_inches()[0] < 7.2


def test_layer_of_one_answer_is_grey(tmp_path):
    panel = read_similarity([Invented(tmp_path).similarity().entry()])[0]
    panel.cka[2] = np.nan
    image = layer_similarity([panel]).axes[0].images[0]
    assert to_rgba("#9aa0a6") == tuple(image.to_rgba(image.get_array())[28 * 2 + 1, 1])


def test_artifact_without_a_model_is_explained():
    with pytest.raises(UserError, match="no model to draw"):
        first_seeds([])


# ---- the probes write what figures and tables read


def test_measurements_of_the_probes_are_drawn(tmp_path):
    noises = [{"name": name, "attack": "gaussian_noise", "std": 0.1} for name in ATTACKS[1:]]
    images = torch.randint(0, 256, (8, 3, 16, 16), generator=torch.manual_seed(0)).byte()
    trained = build("resnet8_hardtanh", 3, 10, 16, seed=0).eval().requires_grad_(False)
    noise = torch.full(images.shape, 8 / 255)
    compute = Compute(torch.device("cpu"), torch.float32)
    labels = torch.arange(8)
    subject = Subject(frozen(trained), images, labels, (), 0, compute, noise, trained)
    shares = [f"{share}/8" for share in (4, 5, 6, 7, 8)]
    world = Invented(tmp_path, side=16)
    for name, measured in {
        "filtered-attacks": accuracy_under_filtered_attacks(
            subject, attack="pgd-20", attacks=noises, bandwidths=shares
        ),
        "input-spectra": spectra_probe(subject, attack="pgd-20", images=8),
        "first-kernels": kernels_probe(subject, layer=0, all_layers=True),
        "layer-similarity": similarity_probe(subject, attack="pgd-20", images=8, batch=8),
    }.items():
        world.write(name, measured.rows, measured.arrays, measured.metadata)
    entry = world.entry()
    cells, html, _ = table([entry], 1)
    assert len(cells) == 35 and set(cells["n_images"]) == {8} and "k = 16 (no filter)" in html
    metadata = probe_metadata(entry, "input-spectra")
    input_spectra(probe_arrays(entry, "input-spectra"), metadata["bandwidth"])
    kernels = {"natural": probe_arrays(entry, "first-kernels")}
    assert len(kernel_grid(kernels).axes) == 2 and len(kernel_frequencies(kernels).axes) == 3
    assert len(layer_similarity(read_similarity([entry])).axes) == 2
    assert set(DEFINITIONS) == set(RATIOS)


# ---- notebooks


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """Both models with everything that the figures read."""
    root = tmp_path_factory.mktemp("entries")
    return [
        Invented(root, method)
        .history().spectra().similarity().kernels().kernels("second-kernels", channels=16).entry()
        for method in PAIR
    ]  # fmt: skip


def executed(template: str, parameters: dict) -> str:
    """Run the cells of a template here, with parameters where papermill injects them."""
    given, names = False, {"__name__": template}
    for cell in jupytext.read(TEMPLATES / f"{template}.py").cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
        if "parameters" in cell.metadata.get("tags", []):
            given = names.update(parameters) is None
    assert given
    return Path(parameters["outputs"]["figure"]["svg"]).read_text()


FIGURES = ["fourier_overview", "input_spectra", "kernel_frequencies", "ratio_curves"]


@pytest.mark.parametrize("template", [*FIGURES, "layer_similarity"])
def test_figure_template_draws_with_its_parameters(template, entries, tmp_path):
    models = [] if template == "fourier_overview" else entries
    svg = executed(template, notebook_parameters(tmp_path, models))
    assert MARK in svg and len(svg) < 1e6


def test_figure_template_renders(entries, tmp_path):
    parameters = notebook_parameters(tmp_path, entries, probe="second-kernels")
    render(TEMPLATES / "kernel_grid.py", parameters, tmp_path / "out.ipynb")
    outputs = parameters["outputs"]["figure"]
    svg = Path(outputs["svg"]).read_text()
    assert MARK in svg and len(svg) < 1e6 and "16 input channels" in svg
    assert Path(outputs["pdf"]).read_bytes().startswith(b"%PDF")
    assert Path(outputs["png"]).read_bytes().startswith(b"\x89PNG")


def test_table_template_renders(models, tmp_path):
    parameters = notebook_parameters(
        tmp_path, models[2], kind="table", reference="fourier_study_table2"
    )
    render(TEMPLATES / "attack_table.py", parameters, tmp_path / "out.ipynb")
    outputs = parameters["outputs"]["table"]
    cells = pd.read_csv(outputs["csv"], keep_default_na=False)
    assert cells["row"].astype(str).unique().tolist() == ["512", "256", "128", "64", "32"]
    assert {"n_images", "paper_value", "difference", "paper_note", "sentinels"} <= set(cells)
    assert "Tables 1, 4 and 5" in Path(outputs["html"]).read_text()
    assert r"\bottomrule" in Path(outputs["tex"]).read_text()
