"""Small inline SVG drawings of the report; colours come from its style sheet."""

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 160, 64, 4


def sparkline(curves: list[list[float]], selected: int | None, *, validated: bool) -> Markup:
    """Curves of accuracies (percent, 0..100) by epoch, with dots at index `selected`.

    validated: whether they are those on held-out images; others are drawn in grey.
    """
    kind = "sparkline" if validated else "sparkline training"
    drawn = "".join(_curve(curve, selected) for curve in curves)
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}"/>{drawn}</svg>'
    )


def _curve(accuracies: list[float], selected: int | None) -> str:
    step = (WIDTH - 2 * MARGIN) / max(1, len(accuracies) - 1)
    points = [
        (MARGIN + index * step, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * accuracy / 100)
        for index, accuracy in enumerate(accuracies)
    ]
    line = f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
    if selected is None:
        return line
    x, y = points[selected]
    return f'{line}<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
