"""Every mistake in the configuration is one sentence that names the place and the nearest name."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from passband.errors import UserError
from passband.plan import plan, read_yaml, scale_config
from passband.plan.reading import merged

FLOAT_NAN = float("nan")
SLICES = Path(__file__).resolve().parents[2] / "config/slices"


@pytest.fixture
def project(root, tmp_path) -> Path:
    """A copy of what `plan` reads."""
    for folder in ("config", "workflow/schemas", "reports/notebooks"):
        shutil.copytree(root / folder, tmp_path / folder)
    return tmp_path


def planned(project: Path, overlay: dict | None = None, scale: str = "demo"):
    """The plan of a scale with a user's --configfile laid over config/config.yaml."""
    config = merged(read_yaml(project / "config/config.yaml"), {"scale": scale} | (overlay or {}))
    return plan(scale_config(config, project), project)


def edit(file: Path, change: Callable[[dict], object]) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def assert_sentence(error: UserError, *fragments: str) -> None:
    text = str(error)
    assert "\n" not in text and text.endswith("."), text
    for fragment in fragments:
        assert fragment in text, f"{fragment!r} is not in: {text}"


@pytest.mark.parametrize("scale", ["smoke", "demo", "laptop", "fashion", "paper"])
def test_the_shipped_scales_have_no_mistake(project, scale):
    assert planned(project, scale=scale).scale["name"] == scale


@pytest.mark.parametrize("path", sorted(SLICES.iterdir()), ids=lambda one: one.stem)
def test_a_slice_is_a_part_of_a_scale(project, path):
    given = read_yaml(path)
    assert given.keys() == {"scale", "artifacts"}, "the scale decides what its results are"
    part, whole = (planned(project, overlay, given["scale"]) for overlay in (given, {}))
    assert part.artifacts.items() < whole.artifacts.items()
    assert part.trainings == whole.trainings


RECIPE = "recipe 'sar-natural'"


def recipe(change: dict, name: str = "sar-natural") -> dict:
    return {"recipes": {name: change}}


def probe(change: object, name: str = "lowpass") -> dict:
    return {"probes": {name: change}}


CONFIG_MISTAKES = {
    "unknown key": ({"result_root": "x"}, ["'result_root'", "did you mean 'results_root'?"]),
    "key that is no text": ({1: "x"}, ["'1'"]),
    "unknown scale": ({"scale": "dmeo"}, ["'dmeo'", "did you mean 'demo'?"]),
    "scale that is no text": ({"scale": 5}, ["unknown scale '5'", "demo"]),
    "no seeds": ({"seeds": []}, ["seeds", "at least 1"]),
    "seeds is a number": ({"seeds": 3}, ["seeds is 3", "expected a list"]),
    "negative seed": ({"seeds": [-1]}, ["seeds.0 is -1", "at least 0"]),
    "a seed twice": ({"seeds": [0, 0]}, ["seeds"]),
    "artifact that matches nothing": (
        {"artifacts": ["sar.fig1", "sar.figg2*"]},
        ["artifact in the scale's artifacts 'sar.figg2*'", "did you mean 'sar.fig2'?"],
    ),
    "an artifact twice": (
        {"artifacts": ["sar.fig3", "sar.fig3"]},
        ["list sar.fig3 more than once", "keep one of them"],
    ),
    "an artifact by two patterns": (
        {"artifacts": ["sar.table[12]", "sar.*2"]},
        ["list sar.table2 more than once", "'sar.table[12]' and 'sar.*2'"],
    ),
    "no artifacts": ({"artifacts": []}, ["artifacts is []", "at least 1"]),
    "artifacts as text": ({"artifacts": "sar.fig1"}, ["artifacts is 'sar.fig1'", "a list"]),
    "no images": ({"test_images": 0}, ["test_images is 0", "at least 10"]),
    "images as text": ({"train_images": "all"}, ["train_images is 'all'", "an integer or null"]),
    "missing value": ({"results_root": None}, ["results_root is None", "string"]),
    "unknown dataset": (
        {"datasets": {"cifar10": "fashion-mnst"}},
        ["'fashion-mnst'", "did you mean 'fashion-mnist'?"],
    ),
    "substitute for an unknown dataset": (
        {"datasets": {"cifar-10": "mnist"}},
        ["'cifar-10'", "did you mean 'cifar10'?"],
    ),
    "unknown architecture": (
        {"architectures": {"resnet18": "resnet88"}},
        ["'resnet88'", "did you mean 'resnet8'?"],
    ),
    "substitute for an unknown architecture": (
        {"architectures": {"resnet81": "resnet8"}},
        ["'resnet81'", "resnet18"],
    ),
    "dropped images with batch moments": (
        {"architectures": {"resnet18": "resnet8_batch_moments"}},
        ["drops images from the batch", "resnet8_batch_moments depend on the whole batch"],
    ),
    "an epoch selected by shuffled labels": (
        recipe({"shuffled_labels": {"number": 0}}),
        [RECIPE, "shuffled_labels and selects by val_accuracy", "by chance", "select to last"],
    ),
    "unknown recipe": (
        recipe({"epochs": 2}, "sar-natrual"),
        ["'sar-natrual'", "did you mean 'sar-natural'?"],
    ),
    "recipe that is a list": ({"recipes": {"*": [1]}}, ["recipes.*", "a mapping"]),
    "unknown key of a recipe": (
        recipe({"epoch": 2}),
        [RECIPE, "'epoch'", "did you mean 'epochs'?"],
    ),
    "unknown key deep in a recipe": (
        recipe({"optimizer": {"momentun": 0.9}}),
        [RECIPE, "optimizer", "'momentun'", "did you mean 'momentum'?"],
    ),
    "no epochs": (recipe({"epochs": 0}), [RECIPE, "epochs is 0", "at least 1"]),
    "too many epochs": (recipe({"epochs": 10**6}), [RECIPE, "epochs is 1000000", "at most"]),
    "epochs as text": (recipe({"epochs": "ten"}), [RECIPE, "epochs is 'ten'", "integer"]),
    "learning rate of zero": (
        recipe({"optimizer": {"learning_rate": 0}}),
        [f"{RECIPE}, optimizer: learning_rate is 0", "from 1e-09 to 10"],
    ),
    "momentum of one": (
        recipe({"optimizer": {"momentum": 1}}),
        [f"{RECIPE}, optimizer: momentum is 1", "below 1"],
    ),
    "share above one": (
        recipe({"validation": {"fraction": 1.5}}),
        ["validation.fraction is 1.5", "less than 1"],
    ),
    "unknown schedule": (
        recipe({"schedule": {"kind": "step", "milestones": [1], "factors": [0.1]}}),
        ["'step'", "did you mean 'steps'?"],
    ),
    "incomplete schedule": (
        recipe({"schedule": {"kind": "one-cycle"}}),
        [f"{RECIPE}, schedule lacks the key 'warmup'"],
    ),
    "milestones without factors": (
        recipe({"schedule": {"kind": "steps", "milestones": [1, 2], "factors": [0.1]}}),
        [RECIPE, "milestones", "factors"],
    ),
    "exceptions that are a number": (recipe({"per_dataset": 5}), ["per_dataset"]),
    "exceptions for an unknown dataset": (
        recipe({"per_dataset": {"cifer10": {"epochs": 3}}}),
        ["'cifer10'", "did you mean 'cifar10'?"],
    ),
    "unknown filter of a recipe": (
        recipe({"input_filter": {"filter": "lowpas-4-8"}}, "sar-l-model"),
        ["recipe 'sar-l-model'", "'lowpas-4-8'", "did you mean 'lowpass-4-8'?"],
    ),
    "input filter that does nothing": (
        recipe({"input_filter": {}}),
        [RECIPE, "input_filter has none of the keys filter, rescale", "remove input_filter"],
    ),
    "unknown scale of pixels": (
        recipe({"input_filter": {"rescale": "image-mox"}}),
        [f"{RECIPE}, input_filter: unknown rescale 'image-mox'", "did you mean 'image-max'?"],
    ),
    "unknown attack of a recipe": (
        recipe({"adversary": {"attack": "pgd10"}}, "sar-pgd-at"),
        ["recipe 'sar-pgd-at', adversary", "'pgd10'", "did you mean 'pgd-10'?"],
    ),
    "unknown attack of a validation": (
        recipe({"validation": {"attack": "pgd20"}}, "sar-pgd-at"),
        ["recipe 'sar-pgd-at'", "'pgd20'", "did you mean 'pgd-20'?"],
    ),
    "selection by what is not measured": (
        recipe({"select": "val_robust_accuracy"}),
        [RECIPE, "val_robust_accuracy", "names no attack"],
    ),
    "unknown probe": (
        probe({"images": 9}, "fourier-heatmaps"),
        ["'fourier-heatmaps'", "did you mean 'fourier-heatmap'?"],
    ),
    "unknown key of a probe": (
        probe({"filter": "lowpass-4-8"}),
        ["probe 'lowpass'", "'filter'", "did you mean 'filters'?"],
    ),
    "unknown filter of a probe": (
        probe({"filters": ["lowpas-4-8"]}),
        ["probe 'lowpass'", "'lowpas-4-8'", "did you mean 'lowpass-4-8'?"],
    ),
    "components of different filters": (
        probe({"low": ["disc-low-4"], "high": ["disc-high-8"]}, "components"),
        ["probe 'components'", "low has 'disc-low-4' where high has 'disc-high-8'"],
    ),
    "low components twice": (
        probe({"low": ["disc-low-4"], "high": ["disc-low-4"]}, "components"),
        ["probe 'components'", "low has 'disc-low-4' where high has 'disc-low-4'"],
    ),
    "a component too few": (
        probe({"low": ["disc-low-4", "disc-low-8"], "high": ["disc-high-4"]}, "components"),
        ["probe 'components'", "low has 'disc-low-8' where high has nothing"],
    ),
    "filters that are a number": (probe({"filters": 5}), ["probe 'lowpass'", "filters is 5"]),
    "unknown corruption": (
        probe({"corruptions": ["fgo"]}, "corruptions"),
        ["probe 'corruptions'", "unknown corruption 'fgo'", "did you mean 'fog'?"],
    ),
    "severity beyond the scale": (
        probe({"severities": [3, 6]}, "corruptions"),
        ["probe 'corruptions'", "severities", "6", "from 1 to 5"],
    ),
    "no filters": (probe({"filters": []}), ["probe 'lowpass'", "filters is []", "expected a list"]),
    "unknown data set of a probe": (
        probe({"dataset": "svnh"}),
        ["dataset of probe 'lowpass'", "'svnh'", "did you mean 'svhn'?"],
    ),
    "unknown split of a probe": (
        probe({"split": "tset"}),
        ["split of probe 'lowpass'", "'tset'", "did you mean 'test'?"],
    ),
    "stored perturbations of other images": (
        probe({"split": "train"}, "pgd-20-bands"),
        ["probe 'pgd-20-bands'", "stored perturbations", "remove dataset and split"],
    ),
    "no images to measure": (
        probe({"images": 0}, "fourier-heatmap"),
        ["probe 'fourier-heatmap'", "images is 0"],
    ),
    "unknown attack of a probe": (
        probe({"attack": "pdg-20"}, "pgd-20-bands"),
        ["probe 'pgd-20-bands'", "'pdg-20'", "did you mean 'pgd-20'?"],
    ),
    "attack that is no text": (
        probe({"attack": 20}, "pgd-20-bands"),
        ["probe 'pgd-20-bands'", "'20'"],
    ),
    "attacks that are no list": (
        probe({"attacks": "pgd-50"}, "stronger-attacks"),
        ["probe 'stronger-attacks'", "attacks is 'pgd-50'", "expected a list"],
    ),
    "no attacks": (
        probe({"attacks": []}, "autoattack"),
        ["probe 'autoattack'", "attacks is []", "expected a list"],
    ),
    "unknown attack among several": (
        probe({"attacks": ["apgd-ce", "fabt"]}, "autoattack"),
        ["probe 'autoattack'", "'fabt'", "did you mean 'fab-t'?"],
    ),
    "substitute for an unknown attack": (
        {"training_attacks": {"pgd10": "one-step"}},
        ["training_attacks", "'pgd10'", "did you mean 'pgd-10'?"],
    ),
    "unknown substitute of an attack": (
        {"training_attacks": {"pgd-10": "onestep"}},
        ["training_attacks", "'onestep'", "did you mean 'one-step'?"],
    ),
    "a search to train with": (
        {"training_attacks": {"hfc-pgd-10": "min-pgd"}},
        ["the recipe of 'PGD-AT'", "'min-pgd', which searches", "minimal_epsilon"],
    ),
    "a search to measure accuracy under": (
        probe({"attacks": ["apgd-ce", "min-fgsm"]}, "autoattack"),
        ["probe 'autoattack' has attack 'min-fgsm', which searches"],
    ),
    "components without those that an artifact shows": (
        probe({"low": ["disc-low-4"], "high": ["disc-high-4"]}, "components"),
        ["artifact 'hfc.fig2': filters has 'disc-low-12', but low of probe 'components' has only"],
    ),
    "components of two splits": (
        probe({"high": "disc-high-4"}, "detection"),
        ["probe 'detection': low has 'disc-low-1-5' where high has 'disc-high-4'"],
    ),
    "unknown part": (
        recipe({"trade": {"beta": 6}}, "sar-trades"),
        ["recipe 'sar-trades'", "'trade'", "did you mean 'trades'?"],
    ),
    "outer loss without its weight": (
        recipe({"trades": {}}, "sar-pgd-at"),
        ["recipe 'sar-pgd-at', trades lacks the key 'beta'"],
    ),
    "unknown distance": (
        recipe({"spectral_alignment": {"distance": "l3"}}, "sar-pgd-at-sar"),
        ["recipe 'sar-pgd-at-sar', spectral_alignment", "distance 'l3'", "l1, l2"],
    ),
    "a part that is a number": (
        recipe({"spectral_alignment": 0.1}, "sar-pgd-at-sar"),
        ["recipe 'sar-pgd-at-sar'", "spectral_alignment is 0.1", "expected a mapping"],
    ),
    "averaging over no epoch": (
        recipe({"weight_average": {"cycle": 0}}, "sar-pgd-at-sarwa"),
        ["recipe 'sar-pgd-at-sarwa', weight_average", "cycle is 0", "from 1"],
    ),
    "unknown optimiser": (
        recipe({"optimizer": {"kind": "adm", "learning_rate": 0.1, "weight_decay": 0}}),
        ["optimizer", "'adm'", "did you mean 'adam'?"],
    ),
    "unknown recorder": (
        recipe({"recorders": {"test": {"recorder": "acuracy", "images": 10}}}),
        ["recorder 'test'", "'acuracy'", "did you mean 'accuracy'?"],
    ),
    "recorder without a method": (
        recipe({"recorders": {"test": {"images": 10}}}),
        ["recorder 'test' lacks the key 'recorder'"],
    ),
}


@pytest.mark.parametrize("mistake", CONFIG_MISTAKES)
def test_mistakes_in_the_run_configuration(project, mistake):
    overlay, fragments = CONFIG_MISTAKES[mistake]
    with pytest.raises(UserError) as raised:
        planned(project, overlay)
    assert_sentence(raised.value, *fragments)


ALIGNED = {"coefficient": 0.1, "distance": "l1", "transform": "sample", "natural_branch": "live"}
AVERAGED = ALIGNED | {"natural_branch": "average"}
SECOND_PEAK = {"kind": "steps", "milestones": [1, 2], "factors": [0.1, 20]}

NEVER_FALLS = (
    "has spectral_alignment, which starts when the learning rate has fallen to a quarter of its "
    "peak, but its schedule never does: change the schedule or remove spectral_alignment."
)
NOTHING_USES_IT = (
    "has weight_average, but nothing uses it: remove it, or add spectral_alignment with "
    "natural_branch=average."
)
NO_AVERAGE = (
    "has spectral_alignment with natural_branch=average but no weight_average: add "
    "weight_average, or change spectral_alignment."
)

CONTRADICTIONS = {
    "two outer losses": (
        recipe({"mart": {"beta": 6}}, "sar-trades"),
        "recipe 'sar-trades' has mart and trades, but a recipe has only one outer loss: keep one, "
        "and make a second recipe for the other.",
    ),
    "an outer loss without an adversary": (
        recipe({"trades": {"beta": 6}}),
        f"{RECIPE} has trades but no adversary: add adversary, or remove trades.",
    ),
    "alignment without an adversary": (
        recipe({"spectral_alignment": ALIGNED}),
        f"{RECIPE} has spectral_alignment but no adversary: add adversary, or remove "
        "spectral_alignment.",
    ),
    "perturbed weights without an adversary": (
        recipe({"weight_perturbation": {"gamma": 0.01, "warmup": 0}}, "sar-l-model"),
        "recipe 'sar-l-model' has weight_perturbation but no adversary: add adversary, or remove "
        "weight_perturbation.",
    ),
    "an averaged branch without an average": (
        recipe({"spectral_alignment": {"natural_branch": "average"}}, "sar-pgd-at-sar"),
        f"recipe 'sar-pgd-at-sar' {NO_AVERAGE}",
    ),
    "an average without alignment": (
        recipe({"weight_average": {"cycle": 1}}, "sar-trades"),
        f"recipe 'sar-trades' {NOTHING_USES_IT}",
    ),
    "an average beside a live branch": (
        recipe({"spectral_alignment": {"natural_branch": "live"}}, "sar-pgd-at-sarwa"),
        f"recipe 'sar-pgd-at-sarwa' {NOTHING_USES_IT}",
    ),
    "alignment on one data set only, without an average": (
        recipe({"per_dataset": {"mnist": {"spectral_alignment": AVERAGED}}}, "sar-pgd-at"),
        f"recipe 'sar-pgd-at' {NO_AVERAGE}",
    ),
    "a constant learning rate": (
        recipe({"schedule": {"kind": "constant"}}, "sar-mart-sar"),
        f"recipe 'sar-mart-sar' {NEVER_FALLS}",
    ),
    "a learning rate that peaks at the end": (
        recipe({"schedule": SECOND_PEAK, "epochs": 3}, "sar-awp-sarwa"),
        f"recipe 'sar-awp-sarwa' {NEVER_FALLS}",
    ),
    "a training that ends before the learning rate falls": (
        recipe({"epochs": 75}, "sar-pgd-at-sar"),
        f"recipe 'sar-pgd-at-sar' {NEVER_FALLS}",
    ),
}


@pytest.mark.parametrize("mistake", CONTRADICTIONS)
def test_parts_of_a_recipe_that_contradict_each_other(project, mistake):
    overlay, sentence = CONTRADICTIONS[mistake]
    with pytest.raises(UserError) as raised:
        planned(project, overlay, "paper")
    assert str(raised.value) == sentence


def put(*place_and_value: object) -> Callable[[dict], None]:
    """A change that sets one value deep in a mapping."""
    *path, last, value = place_and_value

    def change(content: dict) -> None:
        for key in path:
            content = content[key]
        content[last] = value

    return change


def drop(*path: str) -> Callable[[dict], None]:
    def change(content: dict) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


def rename(section: str, old: str, new: str) -> Callable[[dict], None]:
    return lambda content: content[section].update({new: content[section].pop(old)})


ROBUST = "sar-c10-rn18-pgd10"

FILE_MISTAKES = {
    "a recipe like an unknown one": (
        "papers/sar/models",
        put("recipes", "sar-natural", "like", "sar-pgd-att"),
        ["recipe 'sar-natural'", "under like 'sar-pgd-att'", "did you mean 'sar-pgd-at'?"],
    ),
    "a recipe that is lik another": (
        "papers/sar/models",
        put("recipes", "sar-natural", "lik", "sar-pgd-at"),
        ["recipe 'sar-natural'", "unknown key 'lik'", "did you mean 'like'?"],
    ),
    "a recipe like itself": (
        "papers/sar/models",
        put("recipes", "sar-natural", "like", "sar-natural"),
        ["recipe sar-natural is like sar-natural", "in a circle", "remove one `like`"],
    ),
    "epsilon too large": (
        "attacks",
        put("pgd-20", "epsilon", "8/2"),
        ["attack 'pgd-20'", "epsilon is 8/2", "from 0 to 1"],
    ),
    "epsilon below zero": ("attacks", put("pgd-20", "epsilon", -0.1), ["epsilon is -0.1"]),
    "epsilon divided by zero": ("attacks", put("pgd-20", "epsilon", "8/0"), ["epsilon is 8/0"]),
    "epsilon not a number": ("attacks", put("pgd-20", "epsilon", FLOAT_NAN), ["epsilon is nan"]),
    "epsilon as a list": ("attacks", put("pgd-20", "epsilon", [8]), ["epsilon is [8]"]),
    "half a step": ("attacks", put("pgd-20", "steps", 2.5), ["steps is 2.5", "integer"]),
    "a probe with the name of an attack": (
        "probes",
        put("fgsm", {"probe": "fourier_heatmap", "norm_per_pixel": 0.1, "images": 9}),
        ["'fgsm'", "rename the probe"],
    ),
    "unknown start": ("attacks", put("pgd-20", "start", "unifrom"), ["start", "'uniform'"]),
    "unknown loss of an attack": (
        "attacks",
        put("cw-30", "loss", "margn"),
        ["attack 'cw-30'", "loss 'margn'", "did you mean 'margin'?"],
    ),
    "no queries": (
        "attacks",
        put("square", "queries", 0),
        ["attack 'square'", "queries is 0", "from 1 to 1,000,000"],
    ),
    "missing key of an attack": (
        "attacks",
        drop("pgd-20", "epsilon"),
        ["attack 'pgd-20' lacks the key 'epsilon'"],
    ),
    "attack without a method": (
        "attacks",
        drop("pgd-20", "attack"),
        ["attack 'pgd-20' lacks the key 'attack'"],
    ),
    "attack that is a number": ("attacks", put("pgd-20", 20), ["pgd-20"]),
    "unknown key of an attack": (
        "attacks",
        put("pgd-20", "stepsize", "2/255"),
        ["attack 'pgd-20'", "'stepsize'", "did you mean 'step_size'?"],
    ),
    "unknown method of an attack": (
        "attacks",
        put("pgd-20", "attack", "pdg"),
        ["attack 'pgd-20'", "'pdg'", "did you mean 'pgd'?"],
    ),
    "unknown dataset of a model": (
        "papers/sar/models",
        put("models", ROBUST, "dataset", "cifar-10"),
        [f"model '{ROBUST}'", "'cifar-10'", "did you mean 'cifar10'?"],
    ),
    "unknown architecture of a model": (
        "papers/sar/models",
        put("models", ROBUST, "architecture", "resnet-18"),
        [f"model '{ROBUST}'", "'resnet-18'", "did you mean 'resnet18'?"],
    ),
    "unknown recipe of a model": (
        "papers/sar/models",
        put("models", ROBUST, "recipe", "sar-pgdat"),
        [f"model '{ROBUST}'", "'sar-pgdat'", "did you mean 'sar-pgd-at'?"],
    ),
    "missing key of a model": (
        "papers/sar/models",
        drop("models", ROBUST, "recipe"),
        [f"model '{ROBUST}'", "lacks the key 'recipe'"],
    ),
    "unknown key of a model": (
        "papers/sar/models",
        put("models", ROBUST, "receipe", "x"),
        ["config/papers/sar/models.yaml", "'receipe'", "did you mean 'recipe'?"],
    ),
    "missing key of a recipe": (
        "papers/sar/models",
        drop("recipes", "sar-natural", "select"),
        [RECIPE, "lacks the key 'select'"],
    ),
    "unknown probe of an artifact": (
        "papers/sar/artifacts",
        put("artifacts", "sar.fig3", "options", "probe", "example"),
        ["artifact 'sar.fig3'", "'example'", "did you mean 'examples'?"],
    ),
    "a filter that the probe of an artifact does not measure": (
        "papers/hfc/artifacts",
        put("artifacts", "hfc.fig2", "options", "filters", ["disc-high-12"]),
        [
            "artifact 'hfc.fig2': filters has 'disc-high-12', but low of probe 'components'",
            "has only 'disc-low-4', 'disc-low-8', 'disc-low-12'",
            "name one of them",
        ],
    ),
    "unknown model of an artifact": (
        "papers/sar/artifacts",
        put("artifacts", "sar.fig3", "models", ["sar-c10-rn18-pgd1"]),
        ["artifact 'sar.fig3'", "'sar-c10-rn18-pgd1'", f"did you mean '{ROBUST}'?"],
    ),
    "unknown dataset of an artifact": (
        "papers/sar/artifacts",
        put("artifacts", "sar.fig1", "options", "dataset", "tiny-imagenett"),
        ["artifact 'sar.fig1'", "'tiny-imagenett'", "did you mean 'tiny-imagenet'?"],
    ),
    "unknown notebook of an artifact": (
        "papers/sar/artifacts",
        put("artifacts", "sar.fig1", "notebook", "filterss"),
        ["artifact 'sar.fig1'", "'filterss'", "did you mean 'filters'?"],
    ),
    "unknown kind of an artifact": (
        "papers/sar/artifacts",
        put("artifacts", "sar.fig1", "kind", "figur"),
        ["'figur'", "did you mean 'figure'?"],
    ),
    "artifact whose name is no figure's": (
        "papers/sar/artifacts",
        rename("artifacts", "sar.fig3", "sar.figg3"),
        ["sar.figg3"],
    ),
    "missing key of an artifact": (
        "papers/sar/artifacts",
        drop("artifacts", "sar.fig3", "saw"),
        ["config/papers/sar/artifacts.yaml", "artifacts.sar.fig3", "lacks the key 'saw'"],
    ),
    "unknown method of a probe": (
        "probes",
        put("lowpass", "probe", "filterd_accuracy"),
        ["probe 'lowpass'", "'filterd_accuracy'", "did you mean 'filtered_accuracy'?"],
    ),
}


@pytest.mark.parametrize("mistake", FILE_MISTAKES)
def test_mistakes_in_the_files_of_config(project, mistake):
    file, change, fragments = FILE_MISTAKES[mistake]
    edit(project / "config" / f"{file}.yaml", change)
    with pytest.raises(UserError) as raised:
        planned(project, scale="paper")
    assert_sentence(raised.value, *fragments)


@pytest.mark.parametrize(
    ("key", "value", "fragments"),
    [
        ("needs", None, ["papers/sar/findings.yaml", "findings.0 lacks the key 'needs'"]),
        ("needs", [], ["findings.0.needs", "at least 1 entry"]),
        ("needs", ["a-sound-sleep"], ["finding sar.", "unknown precondition", "a-sound-sleep"]),
        ("theme", "dreams", ["finding sar.", "unknown theme 'dreams'", "where-attacks-live"]),
        ("thresholds", "theirs", ["findings.0.thresholds", "theirs", "ours"]),
        ("shares", "sar.table1.z", ["finding sar.", "sar.table1.z", "did you mean 'sar.table1."]),
    ],
)
def test_what_a_finding_rests_on(project, key, value, fragments):
    def change(content):
        row = content["findings"][0]
        row.pop(key, None)
        row.update({} if value is None else {key: value})

    edit(project / "config/papers/sar/findings.yaml", change)
    with pytest.raises(UserError) as raised:
        planned(project)
    assert_sentence(raised.value, *fragments)


@pytest.mark.parametrize(
    ("holds", "fragments"),
    [
        ("clean(natural) > 80", ["precondition 'spare'", "no finding needs it"]),
        ("clean(natual) > 80", ["precondition 'spare'", "did you mean 'natural'"]),
    ],
)
def test_a_spare_precondition(project, holds, fragments):
    def change(content):
        content["preconditions"]["spare"] = {"holds": holds, "says": "it is {effect}"}

    edit(project / "config/papers/sar/findings.yaml", change)
    with pytest.raises(UserError) as raised:
        planned(project)
    assert_sentence(raised.value, *fragments)


@pytest.mark.parametrize(
    ("row", "fragments"),
    [
        (
            {"shape": "disc", "keep": "high", "radius": 24},
            ["leaves nothing of images of side 32", "largest radius that leaves something is 22"],
        ),
        (
            {"shape": "disc", "keep": "high", "radius": 23},
            ["leaves nothing of images of side 32", "largest radius that leaves something is 22"],
        ),
        (
            {"shape": "disc", "keep": "low", "radius": 0},
            ["leaves nothing of images of side", "smallest radius that leaves something is 1"],
        ),
        (
            {"shape": "disc", "keep": "high", "radius": 23, "inclusive": True},
            ["leaves nothing of images of side 32", "largest radius that leaves something is 22"],
        ),
        (
            {"shape": "disc", "keep": "low", "radius": 33},
            ["the radius 33 of filter 'mine' does not fit images of side 32", "from 0 to 32"],
        ),
        (
            {"shape": "svd", "keep": "low", "rank": 0},
            ["leaves nothing of images of side", "smallest rank that leaves something is 1"],
        ),
        (
            {"shape": "svd", "keep": "high", "rank": 32},
            ["leaves nothing of images of side 32", "largest rank that leaves something is 31"],
        ),
        (
            {"shape": "svd", "keep": "low", "rank": 40},
            ["the rank 40 of filter 'mine' does not fit images of side 32", "from 0 to 32"],
        ),
        ({"shape": "svd_energy", "keep": "low", "energy": 1}, ["energy is 1", "below 1"]),
        ({"shape": "svd_energy", "keep": "low", "energy": 0}, ["energy is 0", "above 0"]),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "used_by", ["probe 'lowpass'", "recipe 'sar-l-model'", "artifact 'sar.fig1'"]
)
def test_filters_that_leave_nothing_of_the_images(project, row, fragments, used_by):
    edit(project / "config/filters.yaml", lambda content: content.update(mine=row))
    overlay = {
        "probe 'lowpass'": probe({"filters": ["mine"]}),
        "recipe 'sar-l-model'": recipe({"input_filter": {"filter": "mine"}}, "sar-l-model"),
        "artifact 'sar.fig1'": {},
    }[used_by]
    if not overlay:
        change = put("artifacts", "sar.fig1", "options", "filters", ["mine"])
        edit(project / "config/papers/sar/artifacts.yaml", change)
    with pytest.raises(UserError) as raised:
        planned(project, overlay)
    owner = "filter 'mine'" if row["shape"] == "svd_energy" else used_by
    assert_sentence(raised.value, owner, *fragments)


@pytest.mark.parametrize(
    "row",
    [
        {"shape": "disc", "keep": "high", "radius": 22},
        {"shape": "disc", "keep": "low", "radius": 32},
        {"shape": "disc", "keep": "low", "radius": 0, "inclusive": True},
        {"shape": "svd", "keep": "high", "rank": 31},
        {"shape": "svd", "keep": "low", "rank": "1/2"},
        {"shape": "svd_energy", "keep": "high", "energy": 0.9},
    ],
    ids=str,
)
def test_filters_that_leave_something(project, row):
    edit(project / "config/filters.yaml", lambda content: content.update(mine=row))
    found = planned(project, probe({"filters": ["mine"]})).probes["lowpass"]["filters"]
    assert [filter["name"] for filter in found] == ["mine"]


FILES = ["attacks", "filters", "papers/sar/models", "papers/sar/artifacts", "papers/sar/findings"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("a: [1\nb: 2\n", "not valid YAML in line 2"),
        ("? [a, b]\n: 1\n", "not valid YAML in line 1"),
        ("- 1\n", "mapping"),
        ("", "mapping"),
    ],
)
def test_files_that_are_no_mapping(project, file, text, fragment):
    (project / "config" / f"{file}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        planned(project)
    assert_sentence(raised.value, f"config/{file}.yaml", fragment)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("papers/sar/models", "{beta: 6}", "{beta: 6, beta: 1}"),
        ("papers/sar/models", "    trades:", "    trades: {beta: 1}\n    trades:"),
        ("attacks", "cw-30:", "pgd-10: {}\ncw-30:"),
        ("papers/sar/artifacts", "    kind: table", "    kind: figure\n    kind: table"),
    ],
    ids=["beta", "a part", "an attack", "kind"],
)
def test_duplicate_keys_are_refused(project, file, old, new):
    """YAML itself keeps the last one in silence: of two losses one would vanish."""
    path = project / f"config/{file}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError) as raised:
        planned(project)
    assert_sentence(raised.value, f"config/{file}.yaml is not valid YAML in line", "duplicate key")


def test_a_missing_file(project):
    (project / "config/attacks.yaml").unlink()
    with pytest.raises(UserError) as raised:
        planned(project)
    assert_sentence(raised.value, "config/attacks.yaml does not exist")


def test_a_scale_of_ones_own(project):
    scale = read_yaml(project / "config/scales/smoke.yaml") | {"scale": "mine", "seeds": [7]}
    (project / "config/scales/mine.yaml").write_text(yaml.safe_dump(scale), encoding="utf-8")
    assert planned(project, scale="mine").seeds == [7]


def test_a_change_reaches_only_the_recipe_that_it_names(project):
    before = planned(project, scale="paper").trainings
    after = planned(project, recipe({"epochs": 3}), scale="paper").trainings
    for model, training in after.items():
        if model.endswith("_sar-natural"):
            assert training["recipe"] == before[model]["recipe"] | {"epochs": 3}
        else:
            assert training == before[model]


def test_an_mce_without_the_model_that_it_is_relative_to(project):
    edit(
        project / "config/papers/jafr/artifacts.yaml",
        lambda content: content["artifacts"]["jafr.table8"]["models"].remove("jafr-c100-standard"),
    )
    with pytest.raises(UserError) as caught:
        planned(project, scale="paper")
    assert_sentence(
        caught.value, "artifact 'jafr.table8'", "relative_to is 'natural'", "cifar100", "JaFR"
    )


def test_a_scale_without_the_model_that_an_mce_is_relative_to(project):
    change = {"artifacts": ["jafr.table1"], "without": ["jafr-c10-standard"]}
    with pytest.raises(UserError) as caught:
        planned(project, change)
    assert_sentence(caught.value, "artifact 'jafr.table1'", "'natural'", "'without'")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"dataset": "fashion-scenes-sample"},
            ["fashion-scenes-sample", "choose another data set"],
        ),
        ({"severities": [5, 2, 2]}, ["severities lists 2 2 times", "list it once"]),
        ({"corruptions": ["fog", "fog"]}, ["corruptions lists fog 2 times"]),
    ],
)
def test_corruptions_that_make_no_sense(project, change, words):
    with pytest.raises(UserError) as caught:
        planned(project, {"probes": {"corruptions": change}})
    assert_sentence(caught.value, "probe 'corruptions'", *words)
