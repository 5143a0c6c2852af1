"""Config that is hostile or absurd: one sentence, in seconds, before anything is written."""

import time

import pytest

LEVELS = "a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"b{level}: &a{level + 1} [{', '.join([f'*a{level}'] * 9)}]\n" for level in range(9)
)
FILES = {
    "two keys": ("seeds: [0]\nseeds: [1]\n", "duplicate key 'seeds', first in line 1"),
    "anchors": (LEVELS, "it grows to more than 100,000 values"),
    "levels": ("a: " + "[" * 60 + "]" * 60, "levels deep"),
    "a seed below 0": ("seeds: [-1]", "seeds.0 is -1, expected at least 0"),
    "a seed of 90 bits": (
        "seeds: [99999999999999999999999999]",
        "expected a number from -9223372036854775807 to 9223372036854775807",
    ),
    "a probe above": ("probes: {../../escaped: {probe: accuracy}}", "'../../escaped'"),
    "not a number": ("train_images: .nan", "expected a finite number"),
    "a pattern": ("results_root: R<data>", "has '<' in it"),
    "no folder": ("results_root: ''", "results_root is empty"),
    "no home": ("data_root: ~nobody-has-this-name/x", "is no home folder"),
    "a scale above": ("scale: ../scales/demo", "unknown scale '../scales/demo'"),
    "a list of scales": ("scale: [demo]", "scale"),
    "an unknown mark": ("mark: '{sceen}'", "unknown field of mark 'sceen'"),
    "an emoji": ("title: a\nmark: 🚀", "the font of figures lacks"),
}


@pytest.mark.parametrize("name", FILES)
def test_hostile_files(snakemake, tmp_path, name):
    text, said = FILES[name]
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    started = time.monotonic()
    done = snakemake(
        *("--dry-run", "--directory", tmp_path / "work", "--configfile", tmp_path / "config.yaml")
    )
    assert done.returncode != 0 and said in done.stdout, done.stdout[-2000:]
    assert "Traceback" not in done.stdout
    assert time.monotonic() - started < 60
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not any(name.endswith((".csv", ".safetensors", ".part")) for name in written)
    assert not (tmp_path.parent / "escaped").exists()


def test_a_home_folder_is_written_out(snakemake, tmp_path):
    (tmp_path / "config.yaml").write_text("results_root: ~/passband-results\nscale: smoke\n")
    done = snakemake(
        *("--dry-run", "--directory", tmp_path / "work", "sar.fig8"),
        *("--configfile", tmp_path / "config.yaml"),
        HOME=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert f"{tmp_path}/passband-results/smoke/figures/sar.fig8.svg" in done.stdout
    assert not (tmp_path / "work" / "~").exists()
