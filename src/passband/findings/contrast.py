"""Inequalities over per-image scores, as findings write them.

    lowpass(plain, 1) - lowpass(plain, 5/8) > 10
    abs(lowpass(plain, 1) - lowpass(plain, 1/2)) < 2

A sum of scores, each with an optional factor, is compared with a number. A score is a row of
config/scores.yaml; it names a model, and what else its function asks for. Bandwidths are shares of
the image side. A model is named by the word that the paper's file gives it, or by its method, in
quotes.

    accuracy('My method', 'FGSM', 1/2) - accuracy('My method', 'FGSM', 1) > 0
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Literal, NamedTuple, get_args, get_origin

from passband.errors import UserError, unknown
from passband.findings.scores import CLEAN, COUNT, Score
from passband.options import AttackName
from passband.text import shortened


class Language(NamedTuple):
    """What the findings of one paper are written in.

    words: word -> the method that it stands for. reads: method -> the model in words. scores: by
    name.
    """

    words: Mapping[str, str]
    reads: Mapping[str, str]
    scores: Mapping[str, Score]

    def method(self, name: str) -> str:
        """The method that a word stands for; any other name is the method itself."""
        return self.words.get(name, name)

    def model(self, method: str) -> str:
        """A model in words, from its method or from "METHOD with NETWORK".

        >>> Language({}, {"AT": "robust model"}, {}).model("AT with ResNet-18")
        'robust model with ResNet-18'
        >>> Language({}, {}, {}).model("Mine")
        'Mine model'
        """
        name, joint, network = method.partition(" with ")
        return f"{self.reads.get(name, f'{name} model')}{joint}{network}"


def language_of(paper: Mapping, scores: Mapping[str, Score]) -> Language:
    """The language of a paper's findings, from the `methods` of its paper.yaml."""
    methods = paper.get("methods", {})
    return Language(
        {row["word"]: method for method, row in methods.items() if "word" in row},
        {method: row["reads"] for method, row in methods.items() if "reads" in row},
        scores,
    )


class Term(NamedTuple):
    """factor * score(method, *arguments)."""

    factor: float
    score: Score
    method: str
    arguments: tuple[Fraction | str, ...]

    @property
    def name(self) -> str:
        """The method, without the network that "METHOD with NETWORK" names."""
        return self.method.partition(" with ")[0]

    @property
    def network(self) -> str:
        """The title of the network that "METHOD with NETWORK" names, or ""."""
        return self.method.partition(" with ")[2]

    @property
    def attack(self) -> str:
        """The attack under which it is an accuracy, or the probe of all attacks together."""
        for parameter, value in zip(self.score.arguments, self.arguments, strict=True):
            if parameter.annotation is AttackName:
                return str(value).lower()
        return str(self.score.constants.get("attack", self.score.probe))

    @property
    def attacked(self) -> bool:
        """Whether it is an accuracy under attack."""
        return self.score.attacked and CLEAN not in map(str, self.arguments)


class Contrast(NamedTuple):
    """The sum of `terms` plus `constant`, compared with `threshold` in a verdict's direction."""

    terms: tuple[Term, ...]
    constant: float
    direction: str
    threshold: float

    @property
    def sample(self) -> str:
        """What its scores are counted in: images, batches, kernels or training runs."""
        return self.terms[0].score.sample

    @property
    def unit(self) -> str:
        """That of its scores, and points for a difference of percentages."""
        unit = self.terms[0].score.unit
        return "points" if unit == "percent" and len(self.terms) > 1 else unit

    def span(self, count: int) -> tuple[float, float] | None:
        """Smallest and largest value, if it is made of right and wrong answers; `count` is the
        number of what is sampled."""
        spans = [term.score.span for term in self.terms]
        if None in spans:
            return None
        ends = [
            sorted(term.factor * (count if end == COUNT else end) for end in ends)
            for term, ends in zip(self.terms, spans, strict=True)
        ]
        low, high = (self.constant + sum(end) for end in zip(*ends, strict=True))
        return low, high

    @property
    def is_accuracy(self) -> bool:
        """Whether it is just the accuracy of one model."""
        (first, *more), images = self.terms, self.sample == "images"
        plain = not more and first.factor == 1 and self.constant == 0
        return plain and images and first.score.unit == "percent" and first.score.span == (0, 100)


def parse(text: str, language: Language) -> Contrast:
    """Read an inequality. Raises UserError with what is wrong and the names that are known."""
    with _naming(text):
        match _tree(text):
            case ast.Compare(left=left, ops=[ast.Gt() | ast.Lt() as operator], comparators=[right]):
                above = isinstance(operator, ast.Gt)
            case _:
                raise UserError("an inequality such as clean(model) > 90 is expected.")
        match left:
            case ast.Call(func=ast.Name(id="abs"), args=[inner]):
                direction = "beyond" if above else "within"
            case inner:
                direction = "above" if above else "below"
        terms, constant = _linear(inner, language)
        more, threshold = _linear(right, language)
        if more or not terms:
            raise UserError("the scores belong on the left, one number on the right.")
        kinds = [term.score for term in terms]
        if len({kind.unit for kind in kinds}) > 1:
            raise UserError("scores of different units do not add up.")
        samples = sorted({kind.sample for kind in kinds})
        if len(samples) > 1:
            raise UserError(f"scores of {' and of '.join(samples)} do not add up.")
        return Contrast(terms, float(constant), direction, float(threshold))


def parse_sum(text: str, language: Language) -> Contrast:
    """Read a sum of scores without a comparison."""
    with _naming(text):
        terms, constant = _linear(_tree(text), language)
        if not terms:
            raise UserError("no score is named.")
        return Contrast(terms, float(constant), "above", 0.0)


@contextmanager
def _naming(text: str) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(f"'{shortened(text, 200)}': {error}") from None
    except (ValueError, OverflowError, RecursionError, MemoryError):
        problem = "it nests too deeply or holds a number out of bounds."
        raise UserError(f"'{shortened(text, 200)}': {problem}") from None


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, TypeError, ValueError):
        raise UserError("this cannot be read as a sum of scores.") from None


def _linear(node: ast.expr, language: Language) -> tuple[tuple[Term, ...], Fraction]:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return (), Fraction(str(value))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return (_term(name, arguments, language),), Fraction(0)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _scaled(_linear(operand, language), Fraction(-1))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=right):
            sign = Fraction(1 if isinstance(operator, ast.Add) else -1)
            one, other = _linear(left, language), _scaled(_linear(right, language), sign)
            return one[0] + other[0], one[1] + other[1]
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as operator, right=right):
            one, other = _linear(left, language), _linear(right, language)
            if isinstance(operator, ast.Div) and not other[0] and other[1]:
                return _scaled(one, 1 / other[1])
            if isinstance(operator, ast.Mult) and not one[0]:
                return _scaled(other, one[1])
            if isinstance(operator, ast.Mult) and not other[0]:
                return _scaled(one, other[1])
    raise UserError(f"'{ast.unparse(node)}' stands where a score, a number or a sum is expected.")


def _scaled(
    linear: tuple[tuple[Term, ...], Fraction], factor: Fraction
) -> tuple[tuple[Term, ...], Fraction]:
    terms, constant = linear
    scaled = tuple(term._replace(factor=term.factor * float(factor)) for term in terms)
    return scaled, constant * factor


def _term(name: str, arguments: list[ast.expr], language: Language) -> Term:
    if name not in language.scores:
        raise unknown("score", name, language.scores)
    score = language.scores[name]
    wanted = score.arguments
    if len(arguments) != 1 + len(wanted):
        raise UserError(f"{name} takes ({', '.join(['model', *(one.name for one in wanted)])}).")
    method = _method(arguments[0], language)
    others = zip(arguments[1:], wanted, strict=True)
    return Term(1.0, score, method, tuple(_argument(*pair, language) for pair in others))


def _method(node: ast.expr, language: Language) -> str:
    match node:
        case ast.Name(id=name):
            if name not in language.words:
                raise unknown("model", name, language.words)
            return language.words[name]
        case ast.Constant(value=str(method)):
            return method
    raise UserError("the first argument of a score is a model: a word, or a method in quotes.")


def _argument(node: ast.expr, wanted: inspect.Parameter, language: Language) -> Fraction | str:
    if wanted.annotation is Fraction:
        terms, value = _linear(node, language)
        if terms or not 0 <= value <= 1:
            raise UserError(f"{wanted.name} is a share of the image side from 0 to 1.")
        return value
    given = str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)
    if get_origin(wanted.annotation) is Literal and given not in get_args(wanted.annotation):
        raise unknown(wanted.name, given, get_args(wanted.annotation))
    return given
