"""The benchmark for GPUs on a CPU, where the engine is eager, and the guards of all benchmarks."""

import json
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = [
    *("ceilings", "resnet8_w8", "gradients", "packing", "pgd", "similarity", "filters"),
    *("heat_map", "training", "auto_attack"),
]
UNSTEADY = ("control", "G3 training", "G4 masking")  # on a few images, in a few milliseconds


@pytest.fixture
def gpu(monkeypatch):
    """The benchmark as a module; global switches are as they were afterwards."""
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    yield gpu
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode(mode)


@pytest.fixture
def guards(gpu):
    import guards

    return guards


def test_every_section_of_the_gpu_benchmark_runs(gpu, tmp_path, capsys):
    gpu.main(["--quick", "--threads", "1", "--minutes", "60", "--json", str(tmp_path / "gpu.json")])
    found = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["sections"]
    assert list(found) == SECTIONS
    for section in found.values():
        assert section["status"] == "done" and not section.get("broken")
        for name, guard in section.get("guards", {}).items():
            assert guard["passed"] or name in UNSTEADY, (name, guard)
    training = found["resnet8_w8"]
    assert set(training["guards"]) == {
        *("G1 gradients", "G1 weights", "G2 attack", "G5 replay", "G7 counts", "control")
    }
    # PGD-2 passes forward and back to the input twice; the update, also back to the weights.
    forward = training["flop_per_image"] / (2 * 2 + 3)
    assert forward == pytest.approx(6.28e6, rel=0.05)
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "gpu.md").read_text(encoding="utf-8") + "\n"
    assert "| resnet8_w8, pgd-2 | eager |" in printed


def test_a_section_that_fails_leaves_the_others(gpu, tmp_path, monkeypatch, capsys):
    def broken(bench):
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(gpu, "ceilings", broken)
    path = tmp_path / "gpu.json"
    wanted = ["--sections", "ceilings", "similarity"]
    assert gpu.main(["--quick", "--threads", "1", *wanted, "--json", str(path)]) == 1
    found = json.loads(path.read_text(encoding="utf-8"))["sections"]
    assert [each["status"] for each in found.values()] == ["failed", "done"]
    assert "in broken" in found["ceilings"]["error"]
    assert "- ceilings failed: RuntimeError: no kernel image" in capsys.readouterr().out


def test_sections_without_time_are_left_out(gpu, capsys):
    assert gpu.main(["--quick", "--threads", "1", "--minutes", "0"]) == 0
    assert "- pgd was left out: 0 s were left, and it takes about" in capsys.readouterr().out


def test_an_unknown_section_is_refused(gpu, capsys):
    with pytest.raises(SystemExit):
        gpu.main(["--quick", "--sections", "pdg"])
    assert "no section pdg: there are ceilings," in capsys.readouterr().err


def test_no_ratio_where_a_guard_failed(gpu):
    row = {"ratio": {"median": 3.0, "low": 2.9, "high": 3.1}}
    assert gpu.ratio(row, "engine", {"G2": {"passed": True}}) == "3.00 (2.90 to 3.10)"
    assert gpu.ratio(row, "engine", {"G2": {"passed": False}}) == "guard G2 failed"


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1.01, -0.01, 0.54])
def test_what_leaves_the_ball_or_the_pixel_range_fails(guards, value):
    images = torch.full((2, 1, 2, 2), 0.5)
    assert guards.in_ball(images, images + 0.03, 0.031)
    attacked = images.clone()
    attacked[1, 0, 1, 1] = value
    assert not guards.in_ball(images, attacked, 0.031)
    assert not guards.in_ball(images, images[:1], 0.031)


def test_an_attack_that_leaves_more_images_standing_fails(guards):
    images, labels = torch.zeros(100, 1, 1, 1), torch.zeros(100, dtype=torch.int64)

    def model(shown):
        return torch.cat([0.5 - shown.flatten(1), shown.flatten(1) - 0.5], 1)

    def judged(fooled: int) -> dict:
        found = {name: images.clone() for name in ("reference", "engine")}
        found["reference"][:50] = found["engine"][:fooled] = 1.0
        return guards.not_weaker(model, images, labels, found, epsilon=1.0)

    assert judged(50)["passed"] and judged(47)["passed"] and judged(90)["passed"]
    assert not judged(40)["passed"]
    assert judged(40)["survived_only"] == {"engine": 10, "reference": 0}


def test_a_guard_that_raises_has_failed(guards):
    def guard(model):
        raise ValueError("no weights")

    outcome = guards.guarded("G1", guard, None)["G1"]
    assert not outcome["passed"] and "no weights" in outcome["error"]


def test_cells_and_counts_that_differ_fail(gpu):
    from gpu_evaluation import same_cells
    from gpu_training import Arm, counted

    wrong = torch.zeros(3, 2000, dtype=torch.bool)
    one, many = wrong.clone(), wrong.clone()
    one[0, :2], many[0, :3] = True, True
    assert same_cells(wrong, one)["passed"] and not same_cells(wrong, many)["passed"]
    assert not same_cells(wrong, wrong[:, :1999])["passed"]

    def arm(loss: float, hits: float) -> dict:
        return {"engine": Arm(None, None, None, torch.tensor([loss, hits]))}

    assert counted(arm(3.0, 1.0))["passed"]
    assert not any(counted(arm(*each))["passed"] for each in ((torch.nan, 1.0), (3.0, -1.0)))
