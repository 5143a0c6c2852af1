"""Texts of config that figures show are drawn as written, or refused while planning."""

import re
import unicodedata
from pathlib import Path

import pytest
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from passband.errors import UserError
from passband.plan.texts import DRAWN, check_drawn

FONT = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


def test_the_font_of_figures_has_every_character_that_is_accepted():
    font = set(FT2Font(str(FONT)).get_charmap())
    accepted = [code for code in range(0x11000) if re.fullmatch(DRAWN, chr(code))]
    shown = [code for code in accepted if chr(code).isprintable()]
    assert [chr(code) for code in shown if code not in font] == []
    assert len(shown) > 1500


@pytest.mark.parametrize(
    "text",
    ["costs $5 or $6^", r"\alpha {x} <b>&amp;</b>", "Größe ≤ 8/255 → λ₁²", "Метод «А»", "a_b_c"],
)
def test_names_that_are_drawn_as_written(text):
    check_drawn("method of model 'm'", {"a": [text, 3, None], "b": text})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\nb", "has a line break or another sign that cannot be seen"),
        ("zero\u200bwidth", "has a line break or another sign that cannot be seen"),
        ("_hidden", "begins with an underscore, which legends omit"),
        ("频谱", "has '频' in it, which the font of figures lacks"),
        ("fast 🚀", "has '🚀' in it, which the font of figures lacks"),
    ],
    ids=lambda value: ascii(value)[:12],
)
def test_names_that_could_not_be_drawn_as_written(text, said):
    with pytest.raises(UserError, match=said) as raised:
        check_drawn("method of model 'm'", {"a": [text]})
    assert str(raised.value).startswith("method of model 'm': ")
    assert unicodedata.is_normalized("NFC", str(raised.value))
