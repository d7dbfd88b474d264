"""The rows of Bitmusa's REST answers: the same records as from its pushes, spelled in other words and in numbers."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from attrs import evolve

from futures_stream.dialects.bitmusa.terms import BitmusaRest
from futures_stream.dialects.bitmusa.words import (
    EFFECT,
    LIQUIDITY,
    MARGIN_MODE,
    ORDER_STATUS,
    ORDER_TYPE,
    POSITION_MODE,
    POSITION_SIDE,
    POSITION_STATUS,
    TIME_IN_FORCE,
)
from futures_stream.dialects.rows import Frame, Parser, Readers, read_rows, readers_with
from futures_stream.dialects.wire import FieldUnreadable, instant
from futures_stream.records import Balance, Execution, Order, Position, Record
from futures_stream.vocabulary import (
    Effect,
    Mark,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    PositionStatus,
    Side,
    TimeInForce,
)

__all__ = ["local_instant", "oldest_first", "read_snapshot"]

_LOCAL = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:(Z)|([+-])([0-9]{2}):?([0-9]{2}))?"
).fullmatch
_BEGINNING = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SIDES = {PositionSide.LONG: Side.BUY, PositionSide.SHORT: Side.SELL}
_OPPOSITE = {PositionSide.LONG: PositionSide.SHORT, PositionSide.SHORT: PositionSide.LONG}


def read_snapshot(
    kind: str, rows: Sequence[Any], frame: Frame, terms: BitmusaRest, mode: PositionMode | None
) -> list[Record]:
    """
    Return a record for each row of an answer, in order, all with ``seq`` 0.

    Args:
        kind: What the rows are: balances, positions, orders or executions.
        rows: The rows as decoded.
        frame: What they have in common.
        terms: How they are to be read.
        mode: The position mode that was asked for, where a position's row does not say it.
    """
    parsers: dict[str, Parser] = {
        "balances": _balance,
        "positions": partial(_position, mode=mode),
        "orders": partial(_order, terms=terms),
        "executions": partial(_execution, terms=terms),
    }
    readers = readers_with(local_instant(terms.zone_hours))
    return [record for row in rows for record in read_rows(parsers[kind], [row], frame, 0, readers)]


def local_instant(zone_hours: float) -> Callable[[Any], int | None]:
    """Return a reader of times that also knows ``2023-06-09T10:21:46``, as a clock *zone_hours* ahead of UTC shows."""

    def read(value: Any) -> int | None:
        found = _LOCAL(value) if type(value) is str and len(value) <= 40 else None
        if found is None:
            return instant(value)
        *clock, fraction, is_utc, sign, hours, minutes = found.groups()
        try:
            since_1970 = datetime(*map(int, clock), tzinfo=timezone.utc) - _BEGINNING  # type: ignore[arg-type,misc]
        except ValueError:
            raise FieldUnreadable from None
        ahead = timedelta(hours=0.0 if is_utc else zone_hours)
        if sign:
            ahead = timedelta(hours=int(hours), minutes=int(minutes)) * (1 if sign == "+" else -1)
        return instant((since_1970 - ahead) // timedelta(milliseconds=1) + int((fraction or "").ljust(3, "0")[:3]))

    return read


def oldest_first(records: list[Record]) -> list[Record]:
    """Turn a list that has the newest first around, and name those executions that have no id after their content."""
    seen: Counter[str] = Counter()
    named: list[Record] = []
    turned = records[::-1]
    turned.sort(key=lambda record: record.timestamp or 0)
    for record in turned:
        if isinstance(record, Execution) and record.trade_id is None:
            digest = _digest(record)
            seen[digest] += 1
            trade_id = f"derived-{digest}-{seen[digest]}"
            record = evolve(record, trade_id=trade_id, marks=record.marks | {Mark.DERIVED_ID})
        named.append(record)
    return named


def _digest(record: Execution) -> str:
    said = record.info.get
    content = [record.symbol, record.order_id, said("opposite_order_id"), said("transaction_time")]
    content += [record.price, record.size, record.fee, said("role")]
    return hashlib.sha256("\n".join(map(str, content)).encode(errors="replace")).hexdigest()[:20]


# tests/frames/bitmusa/rest_wallet.json
def _balance(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Balance:
    marks, number, _, _, _, text, _ = readers
    said = row.get
    return Balance(
        exchange=frame.exchange,
        account=frame.account,
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        asset=text(said("symbol")),
        free=number(said("total_available_balance")),
        total=number(said("total_wallet_balance")),
        unrealized_pnl=number(said("total_unpnl")),
    )


# tests/frames/bitmusa/rest_position.json; rows inside a wallet also say mark_price and unpnl
def _position(row: dict[str, Any], frame: Frame, seq: int, readers: Readers, *, mode: PositionMode | None) -> Position:
    marks, number, magnitude, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    status = said("status")
    return Position(
        exchange=frame.exchange,
        account=frame.account,
        symbol=text(said("ticker")),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=text(said("base_symbol")),
        side=POSITION_SIDE(said("position"), unknown) or PositionSide.UNKNOWN,
        size=magnitude(said("qty")),
        entry_price=number(said("entry_price")),
        mark_price=number(said("mark_price")),
        liquidation_price=number(said("liquid_price")) or None,
        unrealized_pnl=number(said("unpnl")),
        leverage=number(said("leverage")),
        margin_mode=MARGIN_MODE(said("margin_mode"), unknown),
        position_mode=POSITION_MODE(said("position_mode"), unknown) or mode,
        position_margin=number(said("position_margin")),
        maintenance_margin=number(said("maintenance_margin")),
        notional=number(said("value")),
        status=POSITION_STATUS(status, unknown) or PositionStatus.UNKNOWN,
        raw_status=text(status),
        created_at=instant(said("entry_time")),
        closed_at=instant(said("close_time")),
    )


# tests/frames/bitmusa/rest_order.json
def _order(row: dict[str, Any], frame: Frame, seq: int, readers: Readers, *, terms: BitmusaRest) -> Order:
    marks, number, _, _, instant, text, flag = readers
    said, unknown = row.get, frame.unknown
    effect = EFFECT(said("direction"), unknown)
    side, position_side = _sides(effect, POSITION_SIDE(said("position"), unknown), terms)
    rests_only = flag(said("is_post_only", said("post_only")))
    order = Order(
        exchange=frame.exchange,
        account=frame.account,
        symbol=text(said("ticker")),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=text(said("base_symbol")),
        order_id=text(said("order_id")),
        side=side,
        position_side=position_side,
        effect=effect,
        type=ORDER_TYPE(said("order_type"), unknown) or OrderType.UNKNOWN,
        price=number(said("order_price")),
        size=number(said("order_qty")),
        filled=number(said("traded_qty")),
        average_price=number(said("traded_price")) or None,
        notional=number(said("traded_value")),
        leverage=number(said("leverage")),
        margin_mode=MARGIN_MODE(said("margin_mode"), unknown),
        time_in_force=TimeInForce.POST_ONLY if rests_only else TIME_IN_FORCE(said("tif_mode"), unknown),
        reduce_only=flag(said("is_reduce_only", said("reduce_only"))),
        raw_status=text(said("status")),
        created_at=instant(said("order_time")),
        canceled_at=instant(said("cancel_time")),
        completed_at=instant(said("filled_time")),
    )
    return evolve(order, status=_status(order, terms, unknown))


# tests/frames/bitmusa/rest_trade_history.json
def _execution(row: dict[str, Any], frame: Frame, seq: int, readers: Readers, *, terms: BitmusaRest) -> Execution:
    marks, number, magnitude, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    effect = EFFECT(said("direction"), unknown)
    return Execution(
        exchange=frame.exchange,
        account=frame.account,
        symbol=text(said("ticker")),
        timestamp=instant(said("transaction_time")),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        trade_id=text(said("id")),
        order_id=text(said("order_id")),
        side=_sides(effect, POSITION_SIDE(said("position"), unknown), terms)[0],
        price=number(said("price")),
        size=magnitude(said("traded_qty")),
        fee=number(said("trading_fee")),
        fee_asset=text(said("symbol")),  # the fee of the document's rows is 0.02 % of their value, which is in this
        liquidity=LIQUIDITY(said("role"), unknown),
    )


def _sides(
    effect: Effect | None, position: PositionSide | None, terms: BitmusaRest
) -> tuple[Side | None, PositionSide | None]:
    """Return the side of an order, and the position that it works on, as far as its row tells for certain."""
    if position not in _SIDES:
        return None, None
    if effect is Effect.OPEN:
        return _SIDES[position], position
    if effect is Effect.CLOSE and terms.position_when_closing == "side":
        return _SIDES[position], _OPPOSITE[position]
    if effect is Effect.CLOSE and terms.position_when_closing == "position":
        return _SIDES[_OPPOSITE[position]], position
    return None, None


def _status(order: Order, terms: BitmusaRest, unknown: Counter[str]) -> OrderStatus:
    """Return where an order of the list of open ones stands; only its figures tell whether it is partially filled."""
    if order.raw_status not in {str(status) for status in terms.open_statuses}:
        return ORDER_STATUS(order.raw_status, unknown) or OrderStatus.UNKNOWN
    if order.size is None or order.filled is None or not 0 <= order.filled < order.size:
        return OrderStatus.UNKNOWN
    return OrderStatus.PARTIALLY_FILLED if order.filled else OrderStatus.NEW
