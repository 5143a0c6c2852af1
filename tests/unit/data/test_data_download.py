"""Mirrors, broken and resumed downloads, damaged files, no network."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest
from archives import idx_archives, svhn_archives

from passband.data.download import CERTIFICATE_VARIABLES, fetch
from passband.data.mirrors import MIRROR_VARIABLE
from passband.data.preparation import prepare
from passband.data.registry import DATASETS
from passband.data.storage import load
from passband.errors import UserError


@pytest.fixture
def archives(publish) -> dict[str, bytes]:
    archives = svhn_archives(train=200)
    publish("svhn", archives)
    return archives


@pytest.fixture
def svhn(archives):
    return DATASETS["svhn"]


def fill(folder, archives):
    folder.mkdir(parents=True)
    for name, content in archives.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("below", ["svhn", "."])
@pytest.mark.parametrize("by_variable", [False, True])
def test_a_mirror_is_preferred_to_the_network(
    archives, server, tmp_path, monkeypatch, below, by_variable
):
    mirror = tmp_path / "mirror"
    fill(mirror / below, archives)
    if by_variable:
        monkeypatch.setenv(MIRROR_VARIABLE, str(mirror))
    prepare("svhn", tmp_path / "data", None if by_variable else mirror)
    assert server.requests == []
    assert not (tmp_path / "data" / "raw").exists()


def test_what_the_mirror_lacks_comes_from_the_network(archives, server, tmp_path):
    fill(tmp_path / "mirror", {"train_32x32.mat": archives["train_32x32.mat"]})
    prepare("svhn", tmp_path / "data", tmp_path / "mirror")
    assert [name for name, _ in server.requests] == ["test_32x32.mat"]


def test_a_mirror_that_does_not_exist_is_named(svhn, tmp_path):
    with pytest.raises(UserError, match=r"mirror folder .*/nowhere does not exist"):
        fetch(svhn, svhn.files[0], tmp_path, tmp_path / "nowhere")


DAMAGES = [lambda b: b[:-10], lambda b: b[:50] + b"?" + b[51:], lambda _: b""]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_does_not_fit_is_passed_over(archives, server, svhn, tmp_path, damage):
    wrong = damage(archives["train_32x32.mat"])
    fill(tmp_path / "mirror/svhn", {"train_32x32.mat": wrong})
    path = fetch(svhn, svhn.files[0], tmp_path / "raw", tmp_path / "mirror")
    assert path.read_bytes() == archives["train_32x32.mat"]
    assert path.parent == tmp_path / "raw" and len(server.requests) == 1
    assert (tmp_path / "mirror/svhn/train_32x32.mat").read_bytes() == wrong


def test_another_data_sets_files_of_the_same_name_are_passed_over(
    publish, server, tmp_path, monkeypatch
):
    """MNIST, Fashion-MNIST and others publish files of the same four names."""
    archives, others = idx_archives(), idx_archives(train=20, test=10)
    publish("mnist", archives)
    fill(tmp_path / "mirror", others)
    fill(tmp_path / "mirror/mnist", others)
    fill(tmp_path / "second", archives)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "second"))
    prepare("mnist", tmp_path / "data", tmp_path / "mirror")
    assert len(load(tmp_path / "data", "train").labels) == 12
    assert server.requests == [] and not (tmp_path / "data/raw").exists()
    for folder in (tmp_path / "mirror", tmp_path / "mirror/mnist"):
        assert all((folder / name).read_bytes() == data for name, data in others.items())


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_is_passed_over(archives, server, svhn, tmp_path, make):
    (tmp_path / "svhn").mkdir()
    make(tmp_path / "svhn/train_32x32.mat")
    path = fetch(svhn, svhn.files[0], tmp_path / "raw", tmp_path)
    assert path.read_bytes() == archives["train_32x32.mat"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_passed_over(archives, server, svhn, tmp_path):
    fill(tmp_path / "svhn", archives)
    (tmp_path / "svhn/train_32x32.mat").chmod(0)
    path = fetch(svhn, svhn.files[0], tmp_path / "raw", tmp_path)
    assert path.read_bytes() == archives["train_32x32.mat"]


def test_if_nothing_fits_all_that_was_passed_over_is_said(archives, svhn, tmp_path):
    fill(tmp_path / "svhn", {"train_32x32.mat": archives["train_32x32.mat"][:-10]})
    (tmp_path / "train_32x32.mat").write_bytes(b"another data set's")
    file = replace(svhn.files[0], urls=("http://127.0.0.1:9/train_32x32.mat",))
    with pytest.raises(UserError) as raised:
        fetch(svhn, file, tmp_path / "raw", tmp_path)
    message = str(raised.value)
    for path in (tmp_path / "svhn/train_32x32.mat", tmp_path / "train_32x32.mat"):
        assert f"{path} (SHA-256 expected {file.sha256[:12]}…, found " in message
    for part in ("passed over", "cannot be reached", "connect to the network", MIRROR_VARIABLE):
        assert part in message
    for advice in ("remove", "delete", "replace"):
        assert advice not in message, "it may be another data set's"


def test_a_truncated_gzip_file_does_not_fit_either(publish, tmp_path):
    archives = idx_archives()
    name = "train-images-idx3-ubyte.gz"
    publish("mnist", archives)
    mnist = DATASETS["mnist"]
    fill(tmp_path / "mnist", {name: archives[name][:-100]})
    file = replace(mnist.files[0], urls=())
    with pytest.raises(UserError, match=rf"{name} \(SHA-256 .* found unreadable gzip\)"):
        fetch(mnist, file, tmp_path / "raw", tmp_path)


def test_a_damaged_file_of_the_package_itself_is_to_be_restored(tmp_path, monkeypatch):
    sample = DATASETS["fashion-mnist-sample"]
    fill(tmp_path / "sample", {sample.files[0].name: b"damaged"})
    with pytest.raises(UserError, match=r"found unreadable gzip\) is not the file .* restore it"):
        fetch(replace(sample, embedded=tmp_path / "sample"), sample.files[0], tmp_path)


def test_the_same_images_packed_otherwise_are_accepted(publish, tmp_path):
    archives = idx_archives()
    publish("mnist", archives)
    fill(
        tmp_path / "mnist",
        {name: gzip.compress(gzip.decompress(data), 1, mtime=7) for name, data in archives.items()},
    )
    prepare("mnist", tmp_path / "data", tmp_path)


def test_a_broken_download_is_continued_at_once(archives, server, svhn, tmp_path):
    server.cuts = [100_000, 200_000]
    path = fetch(svhn, svhn.files[0], tmp_path)
    assert path.read_bytes() == archives["train_32x32.mat"]
    assert [asked for _, asked in server.requests] == [None, "bytes=65536-", "bytes=262144-"]
    assert [path.name for path in tmp_path.iterdir()] == ["train_32x32.mat"]


def test_an_interrupted_download_is_continued_by_the_next_run(archives, server, svhn, tmp_path):
    server.cuts = [100_000, 0, 0]
    with pytest.raises(UserError, match="cannot be reached"):
        fetch(svhn, svhn.files[0], tmp_path)
    assert not (tmp_path / "train_32x32.mat").exists()
    server.requests.clear()
    path = fetch(svhn, svhn.files[0], tmp_path)
    assert path.read_bytes() == archives["train_32x32.mat"]
    assert [asked for _, asked in server.requests] == ["bytes=65536-"]


def test_a_server_that_cannot_continue_starts_anew(archives, server, svhn, tmp_path):
    server.cuts, server.honours_range = [100_000], False
    path = fetch(svhn, svhn.files[0], tmp_path)
    assert path.read_bytes() == archives["train_32x32.mat"]


@pytest.mark.parametrize("left_over", [b"not the beginning", b"x" * 1_000_000])
def test_a_wrong_left_over_is_thrown_away(archives, svhn, tmp_path, left_over):
    (tmp_path / "train_32x32.mat.part").write_bytes(left_over)
    path = fetch(svhn, svhn.files[0], tmp_path)
    assert path.read_bytes() == archives["train_32x32.mat"]
    assert [path.name for path in tmp_path.iterdir()] == ["train_32x32.mat"]


def test_a_tampered_download_is_refused_after_one_transfer(archives, server, svhn, tmp_path):
    server.content["train_32x32.mat"] = archives["train_32x32.mat"][:-1] + b"?"
    with pytest.raises(UserError) as raised:
        fetch(svhn, svhn.files[0], tmp_path)
    assert "train_32x32.mat of SVHN" in str(raised.value)
    assert f"expected {svhn.files[0].sha256[:12]}…, found " in str(raised.value)
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_next_address_is_tried(archives, server, svhn, tmp_path):
    right = svhn.files[0]
    file = replace(right, urls=(server.base + "gone", *right.urls))
    assert fetch(svhn, file, tmp_path).read_bytes() == archives["train_32x32.mat"]
    assert [name for name, _ in server.requests] == ["gone", "train_32x32.mat"]


def test_without_network_and_mirror_the_message_says_what_to_do(svhn, tmp_path):
    file = replace(svhn.files[0], urls=("http://127.0.0.1:9/train_32x32.mat",))
    with pytest.raises(UserError) as raised:
        fetch(svhn, file, tmp_path)
    for part in ("train_32x32.mat of SVHN", "cannot be reached", MIRROR_VARIABLE, "folder svhn"):
        assert part in str(raised.value)
    assert not (tmp_path / "train_32x32.mat").exists()


def test_a_damaged_earlier_download_is_fetched_again(archives, svhn, tmp_path):
    (tmp_path / "train_32x32.mat").write_bytes(b"damaged")
    assert fetch(svhn, svhn.files[0], tmp_path).read_bytes() == archives["train_32x32.mat"]


# ---- what is wrong on this machine is said as what it is


@pytest.fixture
def https(svhn):
    """A data set at an address that speaks no TLS."""
    files = tuple(
        replace(file, urls=tuple(url.replace("http:", "https:") for url in file.urls))
        for file in svhn.files
    )
    return replace(svhn, files=files)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_missing_certificate_file_is_named_with_its_variable(
    https, tmp_path, monkeypatch, variable
):
    for name in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "/nonexistent/ca.pem")
    with pytest.raises(UserError) as raised:
        fetch(https, https.files[0], tmp_path)
    message = str(raised.value)
    assert message.startswith("cannot download train_32x32.mat: Could not find a suitable TLS CA")
    assert message.endswith(f"; {variable} is /nonexistent/ca.pem: correct or unset it.")


def test_a_certificate_file_without_certificates_is_named(https, tmp_path, monkeypatch):
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(empty))
    with pytest.raises(UserError) as raised:
        fetch(https, https.files[0], tmp_path)
    assert "is not accepted" in str(raised.value)
    assert f"; REQUESTS_CA_BUNDLE is {empty}: correct or unset it; connect" in str(raised.value)


def test_a_proxy_that_cannot_be_reached_is_named(svhn, tmp_path, monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"through the proxy; http_proxy is http://127\.0\.0\.1:9:"):
        fetch(svhn, svhn.files[0], tmp_path)


def test_a_disk_that_fills_up_is_said(archives, svhn, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "train_32x32.mat.part").symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"^the disk is full: cannot write .*\.part; free some"):
        fetch(svhn, svhn.files[0], tmp_path)


def test_a_folder_in_the_way_is_said(archives, svhn, tmp_path):
    (tmp_path / "train_32x32.mat.part").mkdir()
    with pytest.raises(UserError, match=r"^a folder stands where the file belongs: .*; remove"):
        fetch(svhn, svhn.files[0], tmp_path)


def test_a_file_in_the_place_of_the_folder_is_said(archives, svhn, tmp_path):
    (tmp_path / "raw").write_text("")
    with pytest.raises(UserError, match=r"^a file stands where a folder is needed: cannot write "):
        fetch(svhn, svhn.files[0], tmp_path / "raw")
