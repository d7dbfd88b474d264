"""The records: frozen, exact, and fit to travel."""

from __future__ import annotations

import copy
import inspect
import pickle
from datetime import datetime, timezone
from decimal import Decimal

import attrs
import pytest

from futures_stream import records
from futures_stream.errors import LoginRejected
from futures_stream.records import (
    ChannelLost,
    Closed,
    Drift,
    Execution,
    Gap,
    LeaseRenewed,
    LiquidationWarning,
    MonitorFailed,
    Notice,
    Order,
    Overflow,
    Position,
    Record,
    Resynced,
    RiskAlert,
    RiskCleared,
    RiskRecord,
    RiskUnknown,
    Rotated,
    Snapshot,
    Unreadable,
    kind_of,
)

CLASSES = [kind for _, kind in inspect.getmembers(records, inspect.isclass) if issubclass(kind, Record)]
NEEDED: dict[type[Record], dict[str, object]] = {
    Gap: {"reason": "r", "since": 1},
    Drift: {"what": "orders", "key": ("1",)},
    Resynced: {"since": 1, "until": 2},
    Snapshot: {"of": "orders"},
    Overflow: {"missed": 1},
    Unreadable: {"text": "t", "error": "e"},
    ChannelLost: {"channel": "orders", "error": LoginRejected("no")},
    LeaseRenewed: {"expires_at": 1},
    Rotated: {"reason": "r"},
    MonitorFailed: {"monitor": "m", "error": "e"},
    RiskRecord: {"limit": "available"},
    RiskAlert: {"limit": "available"},
    RiskCleared: {"limit": "available"},
    RiskUnknown: {"limit": "available"},
}


def make(kind: type[Record], **facts: object) -> Record:
    """A record of that kind with what it needs."""
    return kind(exchange="x", account="y", **NEEDED.get(kind, {}), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", CLASSES)
def test_records_are_frozen_and_slotted(kind: type[Record]) -> None:
    """Nobody changes a record under somebody else's eyes."""
    record = make(kind)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.seq = 5  # type: ignore[misc]
    assert not hasattr(record, "__dict__")
    with pytest.raises(TypeError):
        kind("x", "y")  # type: ignore[misc]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("send", [lambda record: pickle.loads(pickle.dumps(record)), copy.copy, copy.deepcopy])
def test_records_travel(kind: type[Record], send) -> None:  # type: ignore[no-untyped-def]
    """To another process, or into a copy: all the same, the raw row included."""
    record = make(kind, info={"price": Decimal("1.10")}, seq=3)
    arrived = send(record)

    assert type(arrived) is kind
    assert arrived.info == record.info == {"price": Decimal("1.10")}
    for name in (field.name for field in attrs.fields(kind) if field.name not in ("error", "_info")):
        assert getattr(arrived, name) == getattr(record, name)


def test_the_raw_row_is_read_only_and_kept_apart() -> None:
    """It is neither shown nor compared, and cannot be written."""
    one, other = make(Order, info={"a": 1}), make(Order, info={"a": 2})

    assert one == other
    assert "info" not in repr(one)
    with pytest.raises(TypeError):
        one.info["a"] = 5  # type: ignore[index]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_record_is_public_and_has_a_kind(kind: type[Record]) -> None:
    """The kind is the class's name in snake case, of the class or of one of its records."""
    assert kind.__name__ in records.__all__
    assert kind_of(kind) == kind_of(make(kind))
    assert kind_of(kind).replace("_", "") == kind.__name__.lower()


def test_kinds() -> None:
    """As JSONL prints them."""
    assert [kind_of(kind) for kind in (LiquidationWarning, Order, LeaseRenewed)] == [
        "liquidation_warning",
        "order",
        "lease_renewed",
    ]


def test_derived_facts() -> None:
    """Computed exactly, and None where something is unknown."""
    order = make(Order, size=Decimal("2"), filled=Decimal("0.5"))
    execution = make(Execution, price=Decimal("0.1"), size=Decimal("3"))
    position = make(Position, mark_price=Decimal("100"), liquidation_price=Decimal("80"))
    warning = make(LiquidationWarning, current_price=Decimal("100"), liquidation_price=Decimal("110"))

    assert order.remaining == Decimal("1.5")  # type: ignore[attr-defined]
    assert execution.cost == Decimal("0.3")  # type: ignore[attr-defined]
    assert position.distance == Decimal("0.2")  # type: ignore[attr-defined]
    assert warning.distance == Decimal("0.1")  # type: ignore[attr-defined]
    for kind, name in (
        (Order, "remaining"),
        (Execution, "cost"),
        (Position, "distance"),
        (LiquidationWarning, "distance"),
    ):
        assert getattr(make(kind), name) is None
    assert make(Position, mark_price=Decimal(0), liquidation_price=Decimal(1)).distance is None  # type: ignore[attr-defined]


def test_datetime_is_aware() -> None:
    """A timestamp as an aware UTC datetime, to the millisecond."""
    assert make(Order, timestamp=1_700_000_000_123).datetime == datetime(
        2023, 11, 14, 22, 13, 20, 123_000, tzinfo=timezone.utc
    )
    assert make(Order).datetime is None


def test_a_gap_is_complete_only_if_all_is_proven() -> None:
    """One unproven kind, or one thing unexplained, and it is not."""
    assert make(Resynced, proven=("orders",)).complete  # type: ignore[attr-defined]
    assert not make(Resynced, unproven=("orders",)).complete  # type: ignore[attr-defined]
    assert not make(Resynced, unexplained=("one order",)).complete  # type: ignore[attr-defined]


def test_notices_and_records_can_be_told_apart() -> None:
    """What is about the stream is a Notice; what is about the account is none."""
    assert isinstance(make(Closed), Notice)
    assert not isinstance(make(Order), Notice)
