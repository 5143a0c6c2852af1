"""Mirrors, broken and resumed downloads, damaged files, no network."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from archives import idx_archives, svhn_archives

from passband.data.download import MIRROR_VARIABLE, fetch
from passband.data.preparation import prepare
from passband.data.registry import DATASETS
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


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b[:50] + b"?" + b[51:]])
def test_a_damaged_mirror_file_is_named_with_both_checksums(archives, svhn, tmp_path, damage):
    fill(tmp_path / "svhn", {"train_32x32.mat": damage(archives["train_32x32.mat"])})
    with pytest.raises(UserError) as raised:
        fetch(svhn, svhn.files[0], tmp_path / "raw", tmp_path)
    message = str(raised.value)
    assert str(tmp_path / "svhn" / "train_32x32.mat") in message
    assert f"expected {svhn.files[0].sha256[:12]}" in message
    assert "found " in message
    assert "replace it" in message


def test_a_truncated_gzip_file_is_damaged_too(publish, tmp_path):
    archives = idx_archives()
    publish("mnist", archives)
    name = "train-images-idx3-ubyte.gz"
    fill(tmp_path / "mnist", archives | {name: archives[name][:-100]})
    with pytest.raises(UserError, match=rf"{name} is truncated .*found unreadable gzip"):
        prepare("mnist", tmp_path / "data", tmp_path)


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
