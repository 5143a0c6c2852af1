"""Small inline SVG drawings of the report; colours come from its style sheet."""

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 160, 48, 4


def sparkline(accuracies: list[float], selected: int | None) -> Markup:
    """Validation accuracy (percent, 0..100) by epoch, a dot at index `selected`."""
    step = (WIDTH - 2 * MARGIN) / max(1, len(accuracies) - 1)
    points = [
        (
            MARGIN + index * step,
            HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * accuracy / 100,
        )
        for index, accuracy in enumerate(accuracies)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dot = ""
    if selected is not None:
        x, y = points[selected]
        dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    return Markup(
        f'<svg class="sparkline" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}"/>'
        f'<polyline points="{line}"/>{dot}</svg>'
    )
