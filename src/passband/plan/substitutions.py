"""How a scale's trainings differ from the paper's, in words."""

from collections.abc import Iterable, Mapping

from passband.errors import unknown
from passband.labels import both, filled
from passband.text import NAME, listed

FACTS = ("training_attack", "selection_attack", "train_images", "batch_size", "epochs")


def substitutions(recipe: Mapping, paper_recipe: Mapping) -> list[str]:
    """What a training has in the place of the paper's, the training attack first.

    Args:
        recipe: the resolved recipe of the run.
        paper_recipe: the same recipe as the paper's file has it, resolved.

    Returns:
        Phrases such as "batch size 64 (paper: 256)"; none where nothing is substituted.
    """
    pairs = trained_with(recipe, paper_recipe)
    return [
        f"{name.replace('_', ' ')} {both(pair)}"
        for name, pair in pairs.items()
        if len(set(pair)) > 1
    ]


def trained_with(recipe: Mapping, paper_recipe: Mapping) -> dict[str, list]:
    """What a training and the paper's are made with, as pairs by the names of FACTS.

    Attacks are called by their method and steps, or by their rows where these are the same; what
    neither has is left out.
    """
    found = {
        "training_attack": _titles(_training_attacks(recipe), _training_attacks(paper_recipe)),
        "selection_attack": _titles(_selection_attack(recipe), _selection_attack(paper_recipe)),
        "train_images": _numbers(recipe, paper_recipe),
        "batch_size": [recipe["batch_size"], paper_recipe["batch_size"]],
        "epochs": [recipe["epochs"], paper_recipe["epochs"]],
    }
    return {name: found[name] for name in FACTS if any(found[name])}


def attack_title(attack: Mapping) -> str:
    """What an attack is called in the label of a model.

    >>> attack_title({"name": "kl-10", "attack": "pgd", "loss": "kl", "steps": 10})
    'PGD-10'
    >>> attack_title({"name": "quick", "attack": "pgd", "steps": 1})
    'one step'
    """
    steps = attack.get("steps")
    if steps is None:
        return attack["name"].upper()
    return "one step" if steps == 1 else f"{attack['attack'].upper()}-{steps}"


def with_labels(paper: str, described: Mapping, models: Iterable[Mapping]) -> dict:
    """A paper's row with the labels of its methods filled in.

    Args:
        paper: its name.
        described: content of paper.yaml, where `label` and `reads` of a method may hold names of
            FACTS in braces.
        models: resolved models; those of the paper come first.

    Raises:
        UserError: nothing is known by a name in braces.
    """
    known = {}
    for model in sorted(models, key=lambda row: row["paper"] != paper):
        known.setdefault(model["method"], model["trained_with"])
    methods = {}
    for method, row in described.get("methods", {}).items():
        methods[method] = dict(row)
        for key in {"label", "reads"} & set(row):
            for name in NAME.findall(row[key]):
                if name not in FACTS:
                    owner = f"field in {key} of method '{method}' of paper '{paper}'"
                    raise unknown(owner, name, FACTS)
            methods[method][key] = filled(row[key], known.get(method, {}))
    return {**described, "methods": methods} if methods else dict(described)


def _training_attacks(recipe: Mapping) -> list[Mapping]:
    return [part["attack"] for part in recipe["parts"].values() if "attack" in part]


def _selection_attack(recipe: Mapping) -> list[Mapping]:
    attack = recipe["validation"].get("attack")
    return [attack] if attack and recipe["select"] == "val_robust_accuracy" else []


def _numbers(*recipes: Mapping) -> list:
    """The numbers of training images of recipes, if at least one limits them."""
    found = [recipe.get("train_images", "all") for recipe in recipes]
    return found if set(found) != {"all"} else []


def _titles(here: list[Mapping], paper: list[Mapping]) -> list[str]:
    """What attacks here and the paper's are called, "none" where only one side has some."""
    titles = [listed(map(attack_title, attacks)) for attacks in (here, paper)]
    if titles[0] == titles[1] and here != paper:
        titles = [listed(attack["name"] for attack in attacks) for attacks in (here, paper)]
    return [title or "none" for title in titles] if any(titles) else ["", ""]
