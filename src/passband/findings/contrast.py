"""Inequalities over per-image scores, as config/findings.yaml writes them.

    lowpass(natural, 1) - lowpass(natural, 5/8) > 10
    abs(lowpass(lmodel, 1) - lowpass(lmodel, 1/2)) < 2

A sum of scores, each with an optional factor, is compared with a number. A score names a
registered function (passband.findings.scores), a model, and what else the function asks for;
bandwidths are shares of the image side. Models without a word of their own are named by their
method, in quotes.

    accuracy('PGD-7-AT', 'PGD-20', 1/2) - accuracy('PGD-7-AT', 'PGD-20', 1) > 0
"""

import ast
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import NamedTuple, get_args

from passband.errors import UserError, unknown
from passband.findings.scores import SCORES

METHODS = {"natural": "natural", "lmodel": "L-model", "robust": "PGD-AT"}
MODEL_WORDS = {
    "natural": "natural model",
    "L-model": "L-model",
    "PGD-AT": "robust model",
    "PGD-7-AT": "adversarially trained model",
}


class Term(NamedTuple):
    """factor * score(method, *arguments)."""

    factor: float
    score: str
    method: str
    arguments: tuple[Fraction | str, ...]


class Contrast(NamedTuple):
    """The sum of `terms` plus `constant`, compared with `threshold` in a verdict's direction."""

    terms: tuple[Term, ...]
    constant: float
    direction: str
    threshold: float


def parse(text: str) -> Contrast:
    """Read an inequality. Raises UserError with what is wrong and the names that are known."""
    with _naming(text):
        match _tree(text):
            case ast.Compare(left=left, ops=[ast.Gt() | ast.Lt() as operator], comparators=[right]):
                above = isinstance(operator, ast.Gt)
            case _:
                raise UserError("an inequality such as pgd20(lmodel) < 1 is expected.")
        match left:
            case ast.Call(func=ast.Name(id="abs"), args=[inner]):
                direction = "beyond" if above else "within"
            case inner:
                direction = "above" if above else "below"
        terms, constant = _linear(inner)
        more, threshold = _linear(right)
        if more or not terms:
            raise UserError("the scores belong on the left, one number on the right.")
        kinds = [SCORES[term.score].kind for term in terms]
        if len({kind.unit for kind in kinds}) > 1:
            raise UserError("scores of different units do not add up.")
        samples = sorted({kind.sample for kind in kinds})
        if len(samples) > 1:
            raise UserError(f"scores of {' and of '.join(samples)} do not add up.")
        return Contrast(terms, float(constant), direction, float(threshold))


def parse_sum(text: str) -> Contrast:
    """Read a sum of scores without a comparison."""
    with _naming(text):
        terms, constant = _linear(_tree(text))
        if not terms:
            raise UserError("no score is named.")
        return Contrast(terms, float(constant), "above", 0.0)


@contextmanager
def _naming(text: str) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(f"'{text}': {error}") from None


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, TypeError, ValueError):
        raise UserError("this cannot be read as a sum of scores.") from None


def _linear(node: ast.expr) -> tuple[tuple[Term, ...], Fraction]:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return (), Fraction(str(value))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return (_term(name, arguments),), Fraction(0)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _scaled(_linear(operand), Fraction(-1))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=right):
            sign = Fraction(1 if isinstance(operator, ast.Add) else -1)
            one, other = _linear(left), _scaled(_linear(right), sign)
            return one[0] + other[0], one[1] + other[1]
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as operator, right=right):
            one, other = _linear(left), _linear(right)
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


def _term(name: str, arguments: list[ast.expr]) -> Term:
    wanted = [*inspect.signature(SCORES[name]).parameters.values()][1:]
    if len(arguments) != 1 + len(wanted):
        raise UserError(f"{name} takes ({', '.join(['model', *(one.name for one in wanted)])}).")
    method = _method(arguments[0])
    others = zip(arguments[1:], wanted, strict=True)
    return Term(1.0, name, method, tuple(_argument(*pair) for pair in others))


def _method(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            if name not in METHODS:
                raise unknown("model", name, METHODS)
            return METHODS[name]
        case ast.Constant(value=str(method)):
            return method
    raise UserError("the first argument of a score is a model such as natural.")


def _argument(node: ast.expr, wanted: inspect.Parameter) -> Fraction | str:
    choices = get_args(wanted.annotation)
    if choices:
        given = str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)
        if given not in choices:
            raise unknown(wanted.name, given, choices)
        return given
    terms, value = _linear(node)
    if terms or not 0 <= value <= 1:
        raise UserError(f"{wanted.name} is a share of the image side from 0 to 1.")
    return value
