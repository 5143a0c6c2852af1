"""Recipe parts: one function each, whose keyword arguments are the part's keys in a recipe.

A part is registered with settings that say how it fits into a recipe. They are literals, so that a
plan reads them without importing torch:

    @PARTS.register(
        "spectral_alignment",
        role="regulariser",
        needs={"natural_branch=live": "natural_logits"},
        requires={"": "adversary"},
        excludes={"mixed-sample augmentation": "it needs one label per image"},
        starts="learning-rate drop",
    )
    def spectral_alignment(batch: Batch, *, coefficient: Positive, natural_branch: ...) -> Tensor:

role (always given): a key of `ROLES`, which says how the function is called.
needs: {condition: quantity of `QUANTITIES`}. Forward passes that active parts need run in a fixed
    order, natural images first; a quantity that some part `provides` needs that part in the recipe.
provides: the quantity that other parts get from this one, which is useless without them.
requires: {condition: part, role or "part.key=value"} that must be in the recipe, too.
excludes: {part or role: reason} that must not be in the recipe.
starts: the first epoch in which the part works: "" (the default) for the beginning, "learning-rate
    drop" for `schedules.first_drop`, or the name of the argument that holds the epoch.
compilable: False if torch.compile would change what the part's network computes.
attack_has: {condition: argument} that the attack named in the part must have.
steps: what the part does, line by line, where a typeset algorithm shows more than its summary.

A condition is "" (always), "key=value" (when that argument has that value) or "key!=value".
"""

from passband.registry import Registry

PARTS = Registry("recipe part", __name__)

ROLES = {
    "label treatment": "(labels int64 [N] of the training images) -> labels; called once",
    "input filter": "(images float [B, C, H, W] in [0, 1]) -> images",
    "mixed-sample augmentation": "(batch, images) -> Mixed; has the key `of`: clean or adversarial",
    "adversary": "(batch) -> adversarial images",
    "weight perturbation": "(batch, loss_of) -> context manager around forward pass and update; "
    "loss_of(batch) is the outer loss, 0-d",
    "outer loss": "(batch) -> loss, 0-d, in the place of cross-entropy",
    "regulariser": "(batch) -> loss to add, 0-d; a recipe may have several",
    "weight average": "(state, batches, compute, since) -> None; called before each epoch",
    "parameters": "(model) -> parameter groups with learning rates of their own",
}
SEVERAL = frozenset({"regulariser"})

QUANTITIES = {
    "natural_logits": "logits of the images before the attack",
    "logits": "logits of the images that the model is trained on",
    "average_logits": "logits of the averaged model on the images before the attack",
    "input_gradients": "gradients of the cross-entropies of the images before the attack with "
    "respect to them, in float32, differentiable into the weights",
}
