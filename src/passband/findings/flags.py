"""Which models fail a gradient-masking check, from the checks that artifacts ask for."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from passband.findings.masking import failed
from passband.findings.measured import read_stored
from passband.findings.scores import Arrays

NO_ATTACK = "none"


def flags(models: Sequence[Mapping], artifacts: Iterable[Mapping]) -> dict[str, dict[str, str]]:
    """Run the checks of all artifacts on the models that they show.

    Args:
        models: one entry per model and seed.
        artifacts: rows of artifacts with the slugs of their `models` and their `options`; only
            those with `checks` count.

    Returns:
        What speaks for false robustness, by model id, then by the attack under which accuracy may
        be false, or `masking.ALL`; models that pass are left out.
    """
    found: dict[str, dict[str, dict[str, None]]] = {}
    for artifact in artifacts:
        options = artifact["options"]
        if "checks" not in options:
            continue
        columns = options.get("columns", ())
        probes = [one["measured"] for one in columns] or [options["probe"]]
        names = {column.get("attack", column["measured"]): column["name"] for column in columns}
        for slug in artifact["models"]:
            entries = [entry for entry in models if entry["slug"] == slug]
            if entries:
                runs = [answers_of(entry, probes) for entry in entries]
                for attack, reason in failed(runs, options["checks"], names):
                    of_model = found.setdefault(entries[0]["model"], {})
                    of_model.setdefault(attack, {})[reason] = None
    return {
        model: {attack: "; ".join(reasons) for attack, reasons in signs.items()}
        for model, signs in found.items()
    }


def answers(measured: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
    """The answers of one model and seed, image by image, as the gradient-masking checks read them.

    Args:
        measured: arrays by probe, with the names of attacks as `attacks` where there are several.

    Returns:
        Attack, or none, to right under it [N]; `<probe>:<attack>` to standing after this attack and
        all before it, for probes of the worst case; zero_gradient [N]. Unfiltered images only.
    """
    found: dict[str, np.ndarray] = {}
    for probe, arrays in measured.items():
        attacks = [str(name) for name in arrays.get("attacks", ())]
        if "survived" in arrays:
            names = [f"{probe}:{name}" for name in (NO_ATTACK, *attacks)]
            found |= dict(zip(names, [arrays["correct_clean"], *arrays["survived"]], strict=True))
        elif "bandwidths" in arrays:
            correct = arrays["correct"][:, arrays["bandwidths"].argmax()]
            found |= dict(zip([NO_ATTACK, *attacks], correct, strict=True))
        elif "correct_clean" in arrays:
            one = arrays["correct"].ndim == 1
            correct = [arrays["correct"] & arrays["correct_clean"]] if one else arrays["correct"]
            found |= dict(zip([probe] if one else attacks, correct, strict=True))
            found.setdefault(NO_ATTACK, arrays["correct_clean"])
        if "zero_gradient" in arrays:
            found["zero_gradient"] = arrays["zero_gradient"]
    return found


def answers_of(entry: Mapping, probes: Iterable[str]) -> dict[str, np.ndarray]:
    """The `answers` of one model and seed that some of its probes have stored."""
    return answers({one: read_stored(entry["probes"][one]["arrays"]) for one in probes})
