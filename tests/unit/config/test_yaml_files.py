"""One reader for every YAML file: numbers as people write them, nothing hidden, nothing endless."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from passband.errors import UserError
from passband.plan import read_yaml

ANCHORS = "a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"b{level}: &a{level + 1} [{', '.join([f'*a{level}'] * 9)}]\n" for level in range(9)
)


@pytest.fixture
def read(tmp_path):
    def read(text: str | bytes) -> dict:
        file = tmp_path / "file.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(file)

    return read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000),
        ("1_000", 1000),
        ("010", 10),
        ("+.5", 0.5),
        ("-0", 0),
        ("1.", 1.0),
        ("9223372036854775807", 2**63 - 1),
        ("8/255", "8/255"),
        ("'1e-3'", "1e-3"),
        ("0x10", "0x10"),
        ("12:30:00", "12:30:00"),
        ("2026-01-01", "2026-01-01"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("~", None),
        ("", None),
        ("NaN", "NaN"),
    ],
)
def test_values_are_what_people_mean(read, text, value):
    found = read(f"key: {text}")["key"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds: [0]\na: 1\nseeds: [1]", "in line 3: duplicate key 'seeds', first in line 1"),
        ("a:\n  b: 1\n  b: 2", "in line 3: duplicate key 'b', first in line 2"),
        ("{a: 1, a: 2}", "duplicate key 'a', first in line 1"),
        ("a: .nan", "a is nan, expected a finite number"),
        ("a: [-.INF]", "is -inf, expected a finite number"),
        ("a: 9223372036854775808", "a is 9223372036854775808, expected"),
        ("a: 1e999", "a is 1e999, expected a number from"),
        ("seeds: [99999999999999999999]", "is 99999999999999999999, expected a number from"),
        ("a: " + "9" * 100_000, "expected a number from"),
        ("a: !!python/object/apply:os.system [ls]", "the tag tag:yaml.org,2002:python"),
        ("a: !!float 3", "the tag tag:yaml.org,2002:float is not known here"),
        ("a: *b", "*b names nothing that ends before it"),
        ("a: &a [*a]", "*a names nothing that ends before it"),
        ("? [a]\n: 1", "a key must be text"),
        ("a: 1\n---\nb: 1", "a second document begins"),
        ("a: [1, 2", "did not find expected"),
        ("<<: 3", "<< takes a mapping"),
        (b"a: \xff", "not UTF-8 text"),
        ("a: \x07", "control characters are not allowed"),
        (ANCHORS, "it grows to more than 100,000 values"),
        ("a: " + "[" * 3000 + "]" * 3000, "more than 40 levels deep"),
        ("\n".join(" " * n + f"k{n}:" for n in range(3000)), "more than 40 levels deep"),
        ("[1]", "must contain a mapping"),
        ("", "must contain a mapping"),
    ],
    ids=range(24),
)
def test_what_is_hidden_or_endless_is_one_sentence_at_once(read, text, said):
    started = time.monotonic()
    with pytest.raises(UserError) as raised:
        read(text)
    sentence = str(raised.value)
    assert said in sentence and "\n" not in sentence and len(sentence) < 400
    assert time.monotonic() - started < 5


def test_anchors_and_merge_keys_work_as_in_yaml(read):
    text = "a: &a {x: 1, y: {z: 2}}\nb: {<<: *a, x: 3}\nc: {<<: [{x: 4}, *a]}\nd: [*a, *a]"
    assert read(text) == yaml.safe_load(text)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63) + 1, 2**63 - 1)
        | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=20,
    )
)
def test_what_was_written_comes_back(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("yaml") / "file.yaml"
    file.write_text(yaml.safe_dump({"key": value}, default_style=None))
    assert read_yaml(file) == {"key": value}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("yaml") / "file.yaml"
    file.write_text(f"key: {value!r}")
    assert read_yaml(file)["key"] == value
