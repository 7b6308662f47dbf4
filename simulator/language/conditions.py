"""Conditions on a patient, as routes and gates write them: `referred`, `age >= 65 and sex == male`.

A condition is read with Python's own parser and then restricted to a handful of node types; it
is never evaluated as code. A bare word on the right of a comparison is text.
"""

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.language.nearest import nearest
from simulator.language.words import listed, shown
from simulator.quantities import QuantityError

Test = Callable[[Any], bool]  # takes an object that has the facts as attributes

# What can be asked of every patient. A patient without the fact makes each comparison false.
FACTS: Final[Mapping[str, str]] = {
    "referred": "the reader's decision so far",
    "flagged": "the AI's verdict at its threshold",
    "p_malignant": "the AI's probability, 0 to 1",
    "malignant": "the truth, which a pathway knows only after a biopsy",
    "age": "years",
    "sex": "female or male",
    "site": "body site",
    "skin_tone": "Fitzpatrick type, I to VI",
    "patient_class": "id of the patient's class",
    "visits": "how often this node was visited, this visit counted",
    "elapsed_min": "minutes since the patient arrived",
}
_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_MOST_CHARACTERS: Final = 500  # assumption: a longer condition is a mistake or an attack


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition and what it asks of: two with the same text are the same."""

    text: str
    facts: frozenset[str]

    def compiled(self) -> Test:
        """Return what tells of a patient whether the condition holds."""
        return _compile(ast.parse(self.text, mode="eval").body)


def parse_condition(text: str, attributes: Collection[str] = ()) -> Condition:
    """Return the condition that a text states.

    Parameters:
        attributes: names of the scenario's own attributes, beside the `FACTS` of every patient.

    Raises:
        QuantityError: not a condition, or of a fact that nobody has.

    >>> parse_condition("age >= 65 and sex == male").facts == {"age", "sex"}
    True
    """
    if len(text) > _MOST_CHARACTERS:
        raise QuantityError((), f"condition of {len(text)} characters; at most {_MOST_CHARACTERS}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        facts = frozenset(_facts(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise QuantityError((), f"{shown(text)} is no condition: {_why(error)}") from error
    known = [*FACTS, *attributes]
    for fact in sorted(facts):
        if fact not in known:
            reason = f"{shown(text)} asks for {shown(fact)}, which no patient has"
            raise QuantityError((), f"{reason}{nearest(fact, known)} (known: {listed(known)})")
    return Condition(text.strip(), facts)


def _why(error: BaseException) -> str:
    words = str(error) if type(error) is ValueError else "write one such as 'age >= 65'"
    return words or "write one such as 'age >= 65'"


def _facts(node: ast.expr) -> list[str]:
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.BoolOp(values=values):
            return [fact for value in values for fact in _facts(value)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _facts(operand)
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[right]):
            if type(op) not in _COMPARE:
                raise ValueError("compare with ==, !=, <, <=, >, >=, in or not in")
            _literal(right)
            return [name]
    raise ValueError("only facts, comparisons of a fact with a value, and, or, not are accepted")


def _literal(node: ast.expr, *, alone: bool = False) -> Any:  # noqa: ANN401  as it stands
    """Return text, a number, a truth value, or unless `alone` a tuple of them."""
    match node:
        case ast.Name(id=word):
            return word
        case ast.Constant(value=str() | int() | float() | bool() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items) if not alone:
            return tuple(_literal(item, alone=True) for item in items)
    raise ValueError("the right side must be a number, a word, or a list of them")


def _compile(node: ast.expr) -> Test:
    match node:
        case ast.BoolOp(op=op, values=values):
            tests, whole = [_compile(value) for value in values], isinstance(op, ast.And)
            if whole:
                return lambda patient: all(test(patient) for test in tests)
            return lambda patient: any(test(patient) for test in tests)
        case ast.UnaryOp(operand=operand):
            test = _compile(operand)
            return lambda patient: not test(patient)
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[right]):
            compare, value = _COMPARE[type(op)], _literal(right)

            def compared(patient: Any) -> bool:  # noqa: ANN401  any patient
                own = _fact(patient, name)
                try:
                    return own is not None and bool(compare(own, value))
                except TypeError:  # a number against text
                    return False

            return compared
        case ast.Name(id=name):
            return lambda patient: bool(_fact(patient, name))
    raise AssertionError(node)  # parse_condition lets nothing else through


def _fact(patient: Any, name: str) -> Any:  # noqa: ANN401  any patient
    if name in FACTS:
        return getattr(patient, name)
    return patient.attributes.get(name)
