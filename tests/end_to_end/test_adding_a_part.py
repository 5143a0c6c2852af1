"""A part added as one new file trains; nothing else is edited."""

import json

import yaml

PART = '''"""Weight decay on the logits, a part for this test."""

from torch import Tensor

from passband.options import Positive
from passband.training.batch import Batch
from passband.training.parts import PARTS


@PARTS.register("logit_decay", role="regulariser", needs={"": "logits"})
def logit_decay(batch: Batch, *, weight: Positive) -> Tensor:
    """The mean square of the logits.

    Args:
        weight: its weight in the loss.
    """
    return weight * batch.logits.square().mean()
'''


def test_a_part_in_a_new_file(project, snakemake, tmp_path):
    (project / "src/passband/training/parts/logit_decay.py").write_text(PART)
    overlay = tmp_path / "overlay.yaml"
    changes = {"sar-natural": {"logit_decay": {"weight": "1/100"}}}
    overlay.write_text(yaml.safe_dump({"results_root": str(tmp_path / "r"), "recipes": changes}))
    model = "models/fashion-mnist-sample_resnet8_w8_sar-natural/seed-0"
    target = tmp_path / "r/smoke" / model / "run.json"
    configs = ("--configfile", "config/scales/smoke.yaml", str(overlay))
    done = snakemake(str(target), "--cores", "1", *configs, cwd=project)
    assert done.returncode == 0, done.stdout[-4000:]
    parts = json.loads(target.read_text())["recipe"]["parts"]
    assert parts == {"logit_decay": {"weight": 0.01}}
