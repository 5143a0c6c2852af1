"""Names and folders of config: one rule for each, whatever is named."""

import os

import pytest

from passband.errors import UserError
from passband.plan.folders import check_folder, spelled
from passband.plan.names import RESERVED, check_names

BAD = [
    "",
    " ",
    ".",
    "..",
    "../../escaped",
    "/absolute",
    "a/b",
    "a\\b",
    "a.b",
    "a b",
    "A",
    "é",
    "{data}",
    "<data>",
    "a\nb",
    "a\0b",
    "-a",
    "a-",
    "a--b",
    "~",
    "*",
    "x" * 61,
    "ab" * 20,
]
KINDS = ["probe", "attack", "filter", "recipe", "architecture", "dataset", "paper", "recorder"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_names_that_are_paths_or_patterns(kind, name):
    with pytest.raises(UserError) as raised:
        check_names(kind, ["good", name], "file.yaml")
    sentence = str(raised.value)
    assert sentence.startswith("file.yaml: ") and "\n" not in sentence
    assert f" {kind}, expected" in sentence and sentence.endswith("rename it.")


@pytest.mark.parametrize(("kind", "names"), RESERVED.items())
def test_names_with_another_meaning(kind, names):
    for name in names:
        with pytest.raises(UserError, match="rename it"):
            check_names(kind, [name])


def test_names_of_artifacts():
    check_names("artifact", ["sar.fig1", "fourier_study.table2"])
    for name in ("sar.fig.1", ".fig1", "sar.", "sar./x", "sar.Fig1"):
        with pytest.raises(UserError, match="cannot be the name of an artifact"):
            check_names("artifact", [name])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "results_root is empty; name a folder."),
        ("  ", "results_root is empty; name a folder."),
        ("R<data>", "has '<' in it: write the folder out"),
        ("{results}", "has '{' in it: write the folder out"),
        ("$HOME/results", "has '$' in it: write the folder out"),
        ("a\nb", r"has '\n' in it: write the folder out"),
        ("a\0b", r"has '\x00' in it: write the folder out"),
        (" results", "begins or ends with a space"),
        ("~nobody-has-this-name/r", "~nobody-has-this-name is no home folder; write it out."),
        ("x" * 300, "cannot be a folder: File name too long."),
    ],
)
def test_folders_that_are_refused(value, said):
    with pytest.raises(UserError) as raised:
        check_folder("results_root", value)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file is a file; name a folder\.$"):
        check_folder("data_root", f"{tmp_path}/file/below")


@pytest.mark.parametrize(
    "path",
    [
        "results",
        "./results",
        "results/",
        "results//",
        "other/../results",
        "{here}/results",
        "~/results",
        "link",
    ],
)
def test_every_spelling_of_a_folder_inside_is_one(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to("results")
    assert spelled(path.replace("{here}", str(tmp_path)), [os.getcwd()]) == "results"


def test_a_folder_outside_is_absolute_and_without_links(tmp_path, monkeypatch):
    for name in ("project", "outside"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "project")
    outside = str(tmp_path / "outside" / "results")
    (tmp_path / "alias").symlink_to("outside")
    for path in ("../outside/results", outside, "../alias/results/"):
        assert spelled(path, [os.getcwd()]) == outside


def test_a_link_of_the_project_to_a_folder_outside_keeps_its_name(tmp_path, monkeypatch):
    for name in ("project", "outside"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "project")
    os.symlink(tmp_path / "outside", "results")
    for path in ("results", "./results/", str(tmp_path / "outside"), "../outside"):
        assert spelled(path, [os.getcwd()]) == "results"
