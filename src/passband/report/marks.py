"""The mark of each verdict: a shape and a colour. Colours come from the style sheet."""

from markupsafe import Markup

SHAPES = {
    "reproduced": '<circle r="5"/>',
    "contradicted": '<path d="M0-6.4 6.4 0 0 6.4-6.4 0z"/>',
    "inconclusive": '<path d="M0-5.6 6.2 5H-6.2z"/>',
    "not testable here": '<rect x="-4.6" y="-4.6" width="9.2" height="9.2"/>',
    "not run": '<path d="M-5 0H5"/>',
}
"""Drawn around the origin, at most 14 px wide."""


def mark(verdict: str, *, centred: bool = False) -> Markup:
    """The mark of a verdict, to stand in a text or, `centred`, at the origin of another drawing."""
    kind, shape = verdict.replace(" ", "-"), SHAPES[verdict]
    if centred:
        return Markup(f'<g class="shape {kind}">{shape}</g>')
    return Markup(
        f'<svg class="mark" viewBox="-7 -7 14 14" aria-hidden="true">'
        f'<g class="shape {kind}">{shape}</g></svg>'
    )
