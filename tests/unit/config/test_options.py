"""The types of config values: what they accept, what they say, and their JSON schemas."""

from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from passband import options
from passband.errors import UserError
from passband.options import (
    AttackName,
    FilterName,
    FilterSize,
    Known,
    LearningRate,
    Name,
    NonNegative,
    Number,
    Option,
    Positive,
    PositiveShare,
    Range,
    Rates,
    Share,
    Steps,
    named,
    read,
    read_row,
    schema,
    words,
)

PGD = {"name": "pgd-20", "attack": "pgd", "steps": 20}
NAMES = {
    "attack": {"pgd-20": Known(PGD, "pgd"), "fgsm": Known({"name": "fgsm"}, "fgsm")},
    "probe": {"first": Known("first", "kernels"), "map": Known("map", "fourier_heatmap")},
}
Kernels = Annotated[str, Name("probe", of="kernels")]

# type, a value that is accepted, what it is read as
ACCEPTED = [
    (Share, 0, 0),
    (Share, "8/255", 8 / 255),
    (Share, "1e-3", 1e-3),
    (Positive, "1e3", 1000),
    (Number, -5, -5),
    (float, "1/3", 1 / 3),
    (Steps, 10_000, 10_000),
    (int, -3, -3),
    (str, "text", "text"),
    (bool, True, True),
    (object, {"any": [1]}, {"any": [1]}),
    (Literal["low", "high"], "high", "high"),
    (Literal[2, 4], 4, 4),
    (list[Share], [0, "1/2"], [0, 0.5]),
    (dict[str, Steps], {"a": 1, "b": 2}, {"a": 1, "b": 2}),
    (dict[str, list[Share]], {"a": ["1/4"]}, {"a": [0.25]}),
    (Steps | None, None, None),
    (Steps | None, 3, 3),
    (
        Rates,
        {"learning_rate": "1/10", "weight_decay": 0},
        {"learning_rate": 0.1, "weight_decay": 0},
    ),
    (FilterSize, "1/2", "1/2"),
    (FilterSize, "0/8", "0/8"),
    (FilterSize, 16, 16),
    (AttackName, "pgd-20", PGD),
    (list[AttackName], ["fgsm", "pgd-20"], [{"name": "fgsm"}, PGD]),
    (Kernels, "first", "first"),
    (AttackName | None, "pgd-20", PGD),
]

# type, a value that is refused, the sentence after "probe 'p': " with the key k
REFUSED = [
    (Share, 1.5, "k is 1.5, expected a number from 0 to 1."),
    (Share, "9/8", "k is 9/8, expected a number from 0 to 1."),
    (Share, "1/0", "k is 1/0, expected a number from 0 to 1."),
    (Share, "much", "k is much, expected a number from 0 to 1."),
    (Share, "nan", "k is nan, expected a number from 0 to 1."),
    (Share, True, "k is True, expected a number from 0 to 1."),
    (Share, None, "k is None, expected a number from 0 to 1."),
    (Share, [0.5], "k is [0.5], expected a number from 0 to 1."),
    (PositiveShare, 0, "k is 0, expected a number above 0 and up to 1."),
    (Positive, 0, "k is 0, expected a number above 0."),
    (NonNegative, -1, "k is -1, expected a number of at least 0."),
    (LearningRate, 11, "k is 11, expected a number from 1e-09 to 10."),
    (Number, "x", "k is x, expected a number."),
    (float, "x", "k is x, expected a number."),
    (Steps, 0, "k is 0, expected an integer from 1 to 10,000."),
    (Steps, 2.5, "k is 2.5, expected an integer from 1 to 10,000."),
    (Steps, "2", "k is 2, expected an integer from 1 to 10,000."),
    (Steps, True, "k is True, expected an integer from 1 to 10,000."),
    (str, 3, "k is 3, expected a string."),
    (bool, 1, "k is 1, expected true or false."),
    (Literal["low", "high"], "hihg", "unknown k 'hihg': did you mean 'high'? Known: high, low."),
    (list[Share], "1/2", "k is '1/2', expected a list of numbers from 0 to 1."),
    (list[Share], [], "k is [], expected a list"),
    (list[Share], [0, 2], "k is 2, expected a number from 0 to 1."),
    (dict[str, Steps], [1], "k is [1], expected a mapping of names to integers from 1 to 10,000."),
    (dict[str, Steps], {"a": 0}, "k is 0, expected an integer"),
    (Rates, 3, "k is 3, expected a mapping with the keys learning_rate, weight_decay."),
    (Rates, {"learning_rate": 1}, "k lacks the key 'weight_decay'; add it."),
    (
        Rates,
        {"learning_rate": 20, "weight_decay": 0},
        "k.learning_rate is 20, expected a number from 1e-09 to 10.",
    ),
    (FilterSize, "3/2", "k is 3/2, expected a share of the image side from 0 to 1 such as 1/2"),
    (FilterSize, "16", "k is 16, expected a share of the image side"),
    (FilterSize, -2, "k is -2, expected a share of the image side"),
    (FilterSize, 0.5, "k is 0.5, expected a share of the image side"),
    (FilterSize, True, "k is True, expected a share of the image side"),
    (
        Kernels,
        "map",
        "k is 'map', expected a kernels probe: first.",
    ),
]


@pytest.mark.parametrize(("kind", "value", "expected"), ACCEPTED)
def test_values_are_read_with_numbers_and_names_resolved(kind, value, expected):
    found = read("probe 'p'", "k", kind, value, NAMES)
    assert found == pytest.approx(expected) if isinstance(expected, float) else found == expected


@pytest.mark.parametrize(("kind", "value", "sentence"), REFUSED)
def test_mistakes_are_one_sentence(kind, value, sentence):
    with pytest.raises(UserError) as caught:
        read("probe 'p'", "k", kind, value, NAMES)
    assert str(caught.value).startswith(f"probe 'p': {sentence}")
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["pgd-02", 20, ["pgd-20"], None])
def test_an_unknown_name_is_answered_with_the_known_ones(value):
    with pytest.raises(UserError, match=r"probe 'p', k: unknown attack .*Known: fgsm, pgd-20"):
        read("probe 'p'", "k", AttackName, value, NAMES)
    with pytest.raises(UserError, match="did you mean 'pgd-20'"):
        read("probe 'p'", "k", AttackName, "pgd-02", NAMES)


def test_an_unknown_key_of_a_record_is_answered_with_the_nearest():
    rates = {"learning_rate": 1, "weight_dekay": 0}
    with pytest.raises(
        UserError, match=r"unknown key of k of probe 'p'.*did you mean 'weight_decay'"
    ):
        read("probe 'p'", "k", Rates, rates, NAMES)


def test_a_name_of_a_method_that_no_row_uses_says_so():
    kind = Annotated[str, Name("probe", of="example_images")]
    with pytest.raises(UserError, match="expected an example_images probe: none is defined"):
        read("artifact 'a'", "k", kind, "map", NAMES)


@pytest.mark.parametrize("kind", [Share, Positive, Number, float, Steps, int])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), "nan", "inf"])
def test_what_is_no_finite_number_is_refused(kind, value):
    with pytest.raises(UserError, match=f"k is {value}, expected a"):
        read("probe 'p'", "k", kind, value, NAMES)


def test_rows_are_read_by_the_arguments_of_a_function():
    wanted = {
        "attack": Option(AttackName, True, None, ""),
        "share": Option(Share, False, 0.5, ""),
    }
    assert read_row("probe 'p'", wanted, {"attack": "pgd-20"}, NAMES) == {"attack": PGD}
    with pytest.raises(UserError, match="probe 'p' lacks the key 'attack'; add it"):
        read_row("probe 'p'", wanted, {"share": 1}, NAMES)
    with pytest.raises(UserError, match=r"unknown key of probe 'p'.*did you mean 'share'"):
        read_row("probe 'p'", wanted, {"attack": "fgsm", "shares": 1}, NAMES)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (AttackName, "a", ["a"]),
        (AttackName | None, None, []),
        (list[AttackName], ["a", "b"], ["a", "b"]),
        (dict[str, list[AttackName]], {"x": ["a"], "y": ["b", "a"]}, ["a", "b", "a"]),
        (FilterName, "a", []),
        (Rates, {"learning_rate": 1, "weight_decay": 0}, []),
        (list[AttackName], "not a list", []),
    ],
)
def test_names_are_found_however_deep_they_lie(kind, value, expected):
    assert list(named(kind, value, "attack")) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Share, "number from 0 to 1"),
        (Positive, "number above 0"),
        (Number, "number"),
        (Steps, "integer from 1 to 10,000"),
        (int, "integer"),
        (str, "string"),
        (bool, "`true` or `false`"),
        (object, "value"),
        (Literal["low", "high"], "`low` or `high`"),
        (list[AttackName], "list of attack names"),
        (dict[str, Steps], "mapping of names to integers from 1 to 10,000"),
        (Steps | None, "integer from 1 to 10,000"),
        (FilterName, "filter name"),
        (Kernels, "`kernels` probe name"),
        (list[dict[str, object]], "list of mappings"),
        (FilterSize, "integer or share of the image side such as `1/2`"),
        (
            Rates,
            "mapping with the keys `learning_rate`, `weight_decay`",
        ),
    ],
)
def test_types_in_words(kind, expected):
    assert words(kind) == expected


def valid(kind: object, value: object) -> bool:
    found = schema(kind, NAMES)
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found).is_valid(value)


def accepted(kind: object, value: object) -> bool:
    try:
        read("probe 'p'", "k", kind, value, NAMES)
    except UserError:
        return False
    return True


@pytest.mark.parametrize(("kind", "value"), [row[:2] for row in ACCEPTED])
def test_schemas_accept_what_is_read(kind, value):
    assert valid(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (AttackName, "pgd-02"),
        (Kernels, "map"),
        (list[AttackName], []),
        (list[AttackName], "pgd-20"),
        (dict[str, Steps], {"a": 0}),
        (Rates, {"learning_rate": 1}),
        (Rates, {"learning_rate": 1, "weight_decay": 0, "more": 1}),
        (Literal["low", "high"], "middle"),
        (bool, 1),
        (str, 1),
    ],
)
def test_schemas_refuse_what_is_not_read(kind, value):
    assert not valid(kind, value) and not accepted(kind, value)


def test_a_name_without_known_rows_is_any_text():
    assert schema(FilterName, NAMES) == {"type": "string"}


NUMBERS = st.one_of(
    st.integers(-(10**10), 10**10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=1),
)
KINDS = [
    one
    for one in vars(options).values()
    if any(isinstance(note, Range) for note in getattr(one, "__metadata__", ()))
]


def test_all_numbers_of_the_vocabulary_are_found():
    assert len(KINDS) >= 12 and Share in KINDS and Steps in KINDS


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), value=NUMBERS)
def test_schemas_and_checks_agree_on_numbers(kind, value):
    whole = isinstance(value, float) and value.is_integer()
    if whole and kind.__origin__ is int:
        assert not accepted(kind, value)  # JSON does not tell 2.0 from 2
    else:
        assert valid(kind, value) == accepted(kind, value)


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(KINDS), top=st.integers(-9, 99), bottom=st.integers(1, 99))
def test_fractions_are_read_as_their_value(kind, top, bottom):
    text = f"{top}/{bottom}"
    if kind.__origin__ is int:
        assert not accepted(kind, text) and not valid(kind, text)
    else:
        assert accepted(kind, text) == accepted(kind, top / bottom)
        if accepted(kind, text):
            assert read("probe 'p'", "k", kind, text, NAMES) == top / bottom
            assert valid(kind, text)
