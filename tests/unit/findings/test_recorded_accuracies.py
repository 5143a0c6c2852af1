"""Scores of accuracies that were recorded along a training, by hand; networks and variants."""

import numpy as np
import pytest
from shipped import BY_ID, PAPERS, checked

from passband.errors import UserError
from passband.findings.measured import as_methods
from passband.findings.scores import SCORES, NotMeasured

LOW = "filter=disc-low-4;shape=disc;keep=low;radius=4;inclusive=False;rescale=image-max"
ARRAYS = {
    "training|filter=none|accuracy": np.array([20.0, 60, 90, 85, 95]),
    f"training|{LOW}|accuracy": np.array([15.0, 30, 40, 45, 50]),
    f"training|{LOW.replace('low-4', 'low-40')}|accuracy": np.array([1.0, 2, 3, 4, 5]),
    "training|filter=none|loss": np.array([5.0, 4, 3, 2, 1]),
    "test|filter=none|accuracy": np.array([10.0, 11, 12, 13, 14]),
}


def score(name, filter, **constants):
    values = SCORES[name](ARRAYS, filter, **{"recorder": "training", **constants})
    assert values.shape == (1,)
    return values[0]


def test_the_accuracy_behind_a_filter_is_that_of_the_named_one():
    assert score("recorded_accuracy", "none") == 95
    assert score("recorded_accuracy", "disc-low-4") == 50
    assert score("recorded_accuracy", "disc-low-40") == 5
    assert score("recorded_accuracy", "disc-low-4", epoch="first") == 15
    assert score("recorded_accuracy", "none", recorder="test") == 14


def test_an_accuracy_is_read_when_that_on_whole_images_first_reaches_a_level():
    assert score("accuracy_when_learned", "disc-low-4", level=90) == 40
    assert score("accuracy_when_learned", "disc-low-4", level=20) == 15
    assert score("accuracy_when_learned", "none", level=60) == 60
    assert score("accuracy_when_learned", "disc-low-4", level=96) == 50


def test_epochs_are_counted_until_a_level_is_first_reached():
    assert score("epochs_to_reach", "none", level=90) == 3
    assert score("epochs_to_reach", "none", level=0) == 1
    assert score("epochs_to_reach", "disc-low-4", level=45) == 4
    assert score("epochs_to_reach", "disc-low-4", level=51) == 6


@pytest.mark.parametrize(
    ("filter", "recorder", "words"),
    [
        ("disc-low-8", "training", "'training' recorded no accuracy behind 'disc-low-8'"),
        ("none", "other", "'other' recorded no accuracy without a filter"),
    ],
)
def test_what_was_not_recorded_is_named(filter, recorder, words):
    with pytest.raises(NotMeasured, match=words):
        score("recorded_accuracy", filter, recorder=recorder)


def test_planning_knows_what_a_recorder_sees():
    name = "hfc.fig3.a"
    whole, recorded = "training:training:none", {"training", "training:training"}
    methods = ("natural, not augmented", "label-shuffled")
    checked([BY_ID[name]], measured=dict.fromkeys(methods, recorded | {whole}))
    with pytest.raises(UserError, match=f"the measurement '{whole}' of label-shuffled"):
        checked([BY_ID[name]], measured=dict.fromkeys(methods, recorded))
    clause = {"holds": "on_training(shuffled, 'disc-low-5') > 0", "says": "{effect}"}
    with pytest.raises(UserError, match="filter of on_training 'disc-low-5': did you mean 'disc-"):
        checked([{**BY_ID[name], "parameters": {"clauses": [clause]}}])


def entry(paper_architecture, architecture, method):
    return {
        "paper_architecture": paper_architecture, "architecture": architecture,
        "architecture_title": architecture.upper(), "method": method,
    }  # fmt: skip


def test_models_of_a_variant_count_among_those_of_its_network():
    models = [entry("large", "small", "plain"), entry("large_bn", "small_bn", "BatchNorm")]
    first, second = as_methods(models, {"large_bn": "large"})
    assert first == models[0]
    assert second == models[0] | {"method": "BatchNorm"}
    assert as_methods(models, {}) == models
    assert as_methods(models[1:], {"large_bn": "large"}) == models[1:]


def test_an_unknown_variant_is_named():
    paper = PAPERS["hfc"] | {"variants": {"resnet32_dropot": "resnet32_plain"}}
    with pytest.raises(UserError, match="'resnet32_dropot': did you mean 'resnet32_dropout'"):
        checked([BY_ID["hfc.fig5.a"]], paper=paper)


def test_claims_are_about_models_that_there_are():
    finding, place = BY_ID["hfc.sec7.b"], ("coco-val2017", "retinanet_resnet50_fpn")
    checked([finding], places={"RetinaNet": [place]})
    sentence = (
        "no model of RetinaNet is resnet32_plain on coco-val2017: correct 'architectures' or "
        "'datasets', or add the model."
    )
    with pytest.raises(UserError, match=sentence):
        checked([{**finding, "architectures": ["resnet32_plain"]}], places={"RetinaNet": [place]})


def test_models_of_a_variant_are_those_of_its_network_while_planning():
    places = {
        "Dropout": [("cifar10", "resnet32_dropout")],
        "natural": [("cifar10", "resnet32_plain")],
    }
    checked([BY_ID["hfc.fig5.a"]], places=places)
