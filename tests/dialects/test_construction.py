"""Records that are made quickly are the very same records."""

import copy
import pickle
from decimal import Decimal

import attrs
import pytest
from attrs import field, frozen
from attrs.exceptions import FrozenInstanceError

from futures_stream import records
from futures_stream.dialects.construction import quick
from futures_stream.records import Balance, Execution, LiquidationWarning, Order, Overflow, Position, Record
from futures_stream.vocabulary import Mark, Origin, Side

HOT = [Balance, Position, Order, Execution, LiquidationWarning]


def some_of(kind):
    """A value of its own for every field."""
    return {attribute.alias: f"<{attribute.alias}>" for attribute in attrs.fields(kind)} | {"info": {"raw": 1}}


@pytest.mark.parametrize("kind", HOT)
def test_all_fields(kind):
    """Every field is where it belongs."""
    values = some_of(kind)
    made = quick(kind)(**values)

    assert type(made) is kind
    assert made == kind(**values)
    assert {name: getattr(made, name) for name in values} == values
    assert repr(made) == repr(kind(**values))


@pytest.mark.parametrize("kind", HOT)
def test_defaults(kind):
    """What is left out is as if the class itself had been called."""
    made, called = quick(kind)(exchange="x", account="a"), kind(exchange="x", account="a")

    assert made == called
    assert (made.info, made.marks, made.origin) == (called.info, called.marks, called.origin)


def test_same_behavior():
    """It is frozen, has a hash, and can be pickled, copied, changed into another, matched and referred to weakly."""
    values = {"exchange": "x", "account": "a", "price": Decimal("1.50"), "side": Side.BUY, "info": {"p": "1.50"}}
    made, called = quick(Order)(**values), Order(**values)

    with pytest.raises(FrozenInstanceError):
        made.price = Decimal(2)
    with pytest.raises(FrozenInstanceError):
        del made.price
    with pytest.raises((AttributeError, FrozenInstanceError)):
        made.something_else = 1
    assert hash(made) == hash(called)
    assert pickle.dumps(made) == pickle.dumps(called)
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made
    changed = attrs.evolve(made, seq=7, marks=frozenset({Mark.LATE}), origin=Origin.SNAPSHOT)
    assert (changed.seq, changed.price, changed.info) == (7, Decimal("1.50"), {"p": "1.50"})
    assert Order.__subclasses__() == []


@pytest.mark.parametrize("missing", ["exchange", "account"])
def test_missing_field(missing):
    """A field without a default must be given."""
    values = {"exchange": "x", "account": "a"}
    del values[missing]

    with pytest.raises(TypeError, match=missing):
        quick(Order)(**values)


def test_unknown_field():
    """A field that does not exist is refused."""
    with pytest.raises(TypeError, match="colour"):
        quick(Order)(exchange="x", account="a", colour="red")


@frozen(kw_only=True)
class Checked(Record):
    """A record with a validator."""

    size: int = field(default=1, validator=attrs.validators.gt(0))


@frozen(kw_only=True, slots=False)
class Loose(Record):
    """A record with a dictionary."""

    size: int = 1


@frozen(kw_only=True)
class Later(Record):
    """A record that does something more when it is made."""

    def __attrs_post_init__(self):
        """Do it."""


@pytest.mark.parametrize("kind", [Checked, Overflow, Loose, Later])
def test_refuses_what_is_more_than_fields(kind):
    """A class that does more than keep its fields is not made quickly and wrongly, but not at all."""
    with pytest.raises(TypeError, match="call the class itself"):
        quick(kind)


def test_all_plain_records():
    """Whatever record has plain fields can be made so."""
    kinds = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, Record)]
    quick_ones = [kind for kind in kinds if kind not in (Overflow, Record)]

    for kind in quick_ones:
        values = some_of(kind)
        assert quick(kind)(**values) == kind(**values)
