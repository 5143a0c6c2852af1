"""The embedded sample, and the whole of Fashion-MNIST where this machine has it."""

import gzip
import runpy
import time
from pathlib import Path

import pytest

from passband.data.preparation import prepare
from passband.data.registry import EMBEDDED_SAMPLE
from passband.data.storage import load

DEBIAN_MIRROR = Path("/usr/share/datasets")
SCRIPT = Path(__file__).parents[3] / "scripts" / "make_sample.py"
needs_fashion_mnist = pytest.mark.skipif(
    not (DEBIAN_MIRROR / "fashion-mnist").is_dir(), reason="dataset-fashion-mnist not installed"
)


def test_the_sample_needs_no_network_is_quick_and_balanced(tmp_path):
    started = time.perf_counter()
    prepare("fashion-mnist-sample", tmp_path)
    assert time.perf_counter() - started < 2
    for split, per_class in (("train", 1000), ("test", 200)):
        images, labels, classes, title = load(tmp_path, split)
        assert images.shape == (10 * per_class, 1, 32, 32)
        assert labels.bincount().tolist() == [per_class] * 10
        assert (classes[0], classes[9]) == ("T-shirt/top", "Ankle boot")
        assert title == "Fashion-MNIST sample"
        assert images.flatten(1).any(1).all()


def test_no_image_of_the_sample_is_in_both_splits(tmp_path):
    prepare("fashion-mnist-sample", tmp_path)
    train, test = (
        {image.tobytes() for image in load(tmp_path, split).images.numpy()}
        for split in ("train", "test")
    )
    assert len(train) > 9_900
    assert not train & test


def test_the_sample_has_its_licence_and_provenance():
    assert "Zalando SE" in (EMBEDDED_SAMPLE / "LICENSE").read_text()
    assert "1,000 images of each" in (EMBEDDED_SAMPLE / "PROVENANCE.md").read_text()
    assert sum(path.stat().st_size for path in EMBEDDED_SAMPLE.iterdir()) < 7_000_000


@needs_fashion_mnist
def test_the_script_makes_the_sample_again(tmp_path):
    make_sample = runpy.run_path(str(SCRIPT))["make_sample"]
    make_sample(tmp_path, DEBIAN_MIRROR)
    for path in tmp_path.iterdir():
        embedded = EMBEDDED_SAMPLE / path.name
        assert gzip.decompress(path.read_bytes()) == gzip.decompress(embedded.read_bytes())


@needs_fashion_mnist
def test_the_whole_of_fashion_mnist_from_a_mirror(tmp_path):
    prepare("fashion-mnist", tmp_path, DEBIAN_MIRROR)
    train, test = load(tmp_path, "train"), load(tmp_path, "test")
    assert train.labels.bincount().tolist() == [6_000] * 10
    assert test.labels.bincount().tolist() == [1_000] * 10
    prepare("fashion-mnist-sample", tmp_path / "sample")
    sample = load(tmp_path / "sample", "test")
    trousers = (test.labels == 1).nonzero()[:200, 0]
    assert (sample.images[sample.labels == 1] == test.images[trousers]).all()
