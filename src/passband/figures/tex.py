"""Text as LaTeX takes it."""

import re

SMALL = "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho"
SMALL += " varsigma sigma tau upsilon varphi chi psi omega"
LARGE = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
MATHS = dict(zip("αβγδεζηθικλμνξπρςστυφχψω", SMALL.split(), strict=True))
MATHS |= dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", LARGE.split(), strict=True))
MATHS |= {"·": "cdot", "×": "times", "±": "pm", "≤": "leq", "≥": "geq", "≠": "neq", "≈": "approx"}
MATHS |= {"∞": "infty", "→": "rightarrow", "←": "leftarrow"}

SIGNS = {sign: f"\\{sign}" for sign in "&%$#_{}"}
SIGNS |= {sign: f"{{{sign}}}" for sign in "[]*"}  # after a line's end they are its arguments
SIGNS |= {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
SIGNS |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
SIGNS |= {"`": r"\textasciigrave{}", '"': r"\textquotedbl{}", "…": r"\ldots{}"}
SIGNS |= {sign: rf"$\{name}$" for sign, name in MATHS.items()}
SIGNS |= {"−": r"$-$", "†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$"}


def tex(text: str) -> str:
    """A text that LaTeX prints as it is written.

    >>> print(tex("costs $5 or $6^"), tex("a--b"), tex("{ε < 1}"), tex("C&W"))
    costs \\$5 or \\$6\\textasciicircum{} a-{}-b \\{$\\varepsilon$ \\textless{} 1\\} C\\&W
    """
    written = "".join(SIGNS.get(sign, sign) for sign in " ".join(text.split()))
    return re.sub("-(?=-)", "-{}", written)
