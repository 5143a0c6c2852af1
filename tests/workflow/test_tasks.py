"""Classification and detection side by side: what is planned, and what is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from passband.errors import UserError
from passband.plan import plan, read_yaml, scale_config
from passband.plan.reading import merged

SLUG = "hfc-coco-retinanet"


@pytest.fixture
def project(root, tmp_path) -> Path:
    """A copy of what `plan` reads."""
    for folder in ("config", "workflow/schemas", "reports/notebooks"):
        shutil.copytree(root / folder, tmp_path / folder)
    return tmp_path


def planned(project: Path, overlay: dict | None = None, scale: str = "laptop"):
    config = merged(read_yaml(project / "config/config.yaml"), {"scale": scale} | (overlay or {}))
    return plan(scale_config(config, project), project)


def edit(file: Path, change: Callable[[dict], object]) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def test_published_weights_are_imported_at_the_paper_scale_only(project):
    paper = planned(project, scale="paper")
    model = paper.models[SLUG]
    assert model["origin"] == "imported" and model["substitutions"] == []
    assert paper.imported == {
        model["model"]: {
            "dataset": "coco-val2017",
            "architecture": "retinanet_resnet50_fpn",
            "weights": "retinanet-resnet50-fpn-coco",
        }
    }
    assert model["model"] not in paper.trainings
    laptop = planned(project)
    model = laptop.models[SLUG]
    assert model["origin"] == "trained" and not laptop.imported
    assert laptop.trainings[model["model"]]["dataset"] == "fashion-scenes-sample"


def test_the_radius_is_the_same_share_of_the_side_at_every_scale(project):
    radii = {
        scale: planned(project, scale=scale).probes["detection"]["low"]["radius"]
        for scale in ("paper", "laptop")
    }
    assert radii == {"paper": 128, "laptop": "1/5"}  # 128 of 640


def refused(project: Path, overlay: dict | None = None) -> str:
    with pytest.raises(UserError) as raised:
        planned(project, overlay)
    text = str(raised.value)
    assert "\n" not in text and text.endswith("."), text
    return text


@pytest.mark.parametrize(
    ("overlay", "fragments"),
    [
        (
            {"architectures": {"retinanet_resnet50_fpn": "resnet8"}},
            [SLUG, "resnet8, a network for classification", "fashion-scenes-sample"],
        ),
        (
            {"datasets": {"coco-val2017": "fashion-mnist-sample"}},
            [SLUG, "retinanet_small, a network for detection", "fashion-mnist-sample"],
        ),
        (
            {"datasets": {"coco-val2017": "coco-val2017"}},
            [SLUG, "cannot be trained on coco-val2017", "no training images", "`weights`"],
        ),
        ({"recipes": {"detector": {"augmentation": {"pad": 2}}}}, [SLUG, "augmentation.pad"]),
        (
            {"recipes": {"detector": {"validation": {"fraction": 0.1}}}},
            [SLUG, "'RetinaNet' has validation.fraction"],
        ),
        (
            {"recipes": {"detector": {"shuffled_labels": {"number": 0}}}},
            [SLUG, "a detector", "shuffled_labels"],
        ),
        (
            {
                "recipes": {
                    "detector": {
                        "recorders": {
                            "test": {"recorder": "accuracy", "split": "test", "images": 9}
                        }
                    }
                }
            },
            [SLUG, "recorders"],
        ),
    ],
)
def test_what_does_not_fit_a_task_is_refused(project, overlay, fragments):
    text = refused(project, overlay)
    assert all(fragment in text for fragment in fragments), text


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        ({"weights": "retinanet"}, [SLUG, "retinanet-resnet50-fpn-coco"]),
        (
            {"architecture": "resnet32_plain"},
            [SLUG, "retinanet-resnet50-fpn-coco", "resnet32_plain"],
        ),
        ({"of": "hfc-c10-rn18-natural"}, [SLUG]),
    ],
)
def test_published_weights_that_do_not_fit_are_refused(project, change, fragments):
    edit(
        project / "config/papers/hfc/models.yaml",
        lambda content: content["models"][SLUG].update(change),
    )
    text = refused(project)
    assert all(fragment in text for fragment in fragments), text


@pytest.mark.parametrize(
    ("artifact", "models", "fragments"),
    [
        ("hfc.fig8", ["hfc-c10-rn18-natural"], ["'detection', which is for detection"]),
        ("hfc.fig7", [SLUG], ["'first-kernels', which is for classification"]),
    ],
)
def test_artifacts_measure_models_of_the_probes_task(project, artifact, models, fragments):
    edit(
        project / "config/papers/hfc/artifacts.yaml",
        lambda content: content["artifacts"][artifact].update(models=models),
    )
    text = refused(project)
    assert artifact in text and all(fragment in text for fragment in fragments), text


def test_components_of_detected_images_that_are_empty_are_refused(project):
    """The corner of 112 x 112 pixels lies at a distance of 79."""
    for part in ("low", "high"):
        edit(
            project / "config/filters.yaml",
            lambda content, part=part: content[f"disc-{part}-1-5"].update(radius=80),
        )
    text = refused(project)
    assert "detection" in text and "112" in text and "79" in text, text
