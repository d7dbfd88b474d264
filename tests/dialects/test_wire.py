"""Reading a wire: numbers, times, words and JSON, exactly or not at all."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from futures_stream.dialects import wire
from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.wire import (
    FieldUnreadable,
    Words,
    decode,
    decode_tolerant,
    flag,
    instant,
    magnitude,
    number,
    text_of,
    whole,
)
from futures_stream.errors import MessageNotUnderstood
from futures_stream.vocabulary import Side

NOTHING = [None, "", "null"]
ODD_CHARACTERS = '{}[],:"\\ \t\n\x00\x01\x1f\x7f\ud800\udc00\u2028\ufeffu0dDeEbnt1-.+/xNaIf'
unhurried = settings(deadline=None)  # a busy machine is no counter-example
READERS = [number, magnitude, whole, instant, flag]


def outcome(read: Callable[[Any], Any], value: Any) -> Any:
    """Return what *read* makes of a value, and its type, or the class of its error."""
    try:
        result = read(value)
    except (FieldUnreadable, MessageNotUnderstood) as error:
        return type(error)
    return result


@pytest.mark.parametrize("value", NOTHING)
@pytest.mark.parametrize("read", READERS)
def test_nothing(read: Callable[[Any], Any], value: Any) -> None:
    """What means "not set" is none."""
    assert read(value) is None


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        ("0.10", "0.10"),
        ("-1.0E-4", "-0.00010"),
        ("5.88E9", "5.88E+9"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0", "-0"),
        ("007", "7"),
        (12, "12"),
        (-3, "-3"),
        (D("1.10"), "1.10"),
        ("9" * 40, "9" * 40),
        ("-" + "1" * 20 + "." + "1" * 20 + "e-10", "-" + "1" * 20 + "." + "1" * 20 + "E-10"),
        (10**40 - 1, "9" * 40),
    ],
)
def test_number(value: Any, exact: str) -> None:
    """A number is exact, whatever form it has."""
    result = number(value)
    assert result is not None
    assert result.as_tuple() == D(exact).as_tuple()


@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "sNaN", "Infinity", "-", "1_0", "١", "1e3000000", "1e999", "1e-100", "1e", "e5", ".", "0x10", "+1"),
        *("1,5", "1 ", "\n1", "9" * 41, "0." + "1" * 41, "1" * 100_000),
        *(10**40, -(10**40), True, False, 1.5, [], {}, b"1"),
    ],
)
def test_no_number(value: Any) -> None:
    """What is not plainly a number is refused, and fast."""
    began = time.perf_counter()
    with pytest.raises(FieldUnreadable):
        number(value)
    assert time.perf_counter() - began < 0.1


@unhurried
@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**20), max_value=10**20))
def test_any_decimal(value: D) -> None:
    """What a Decimal prints is read back, digit for digit."""
    result = number(f"{value:f}")
    assert result is not None
    assert result.as_tuple() == value.as_tuple()


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (magnitude, "-0.0001", FieldUnreadable),
        (magnitude, "0", D(0)),
        (whole, "2", 2),
        (whole, "2.0", 2),
        (whole, "-7", -7),
        (whole, "2.5", FieldUnreadable),
        (whole, True, FieldUnreadable),
        (instant, 1621441751927, 1621441751927),
        (instant, "1621441751927", 1621441751927),
        (instant, D("1.621441751927E12"), 1621441751927),
        (instant, 0, None),
        (instant, "0", None),
        (instant, -1, FieldUnreadable),
        (instant, 10**30, FieldUnreadable),
        (instant, "1e14", FieldUnreadable),
        (instant, "1.5", FieldUnreadable),
        (instant, "yesterday", FieldUnreadable),
        (instant, True, FieldUnreadable),
        (text_of, "abc", "abc"),
        (text_of, "", None),
        (text_of, None, None),
        (text_of, 1104372235586478100, "1104372235586478100"),
        (text_of, True, FieldUnreadable),
        (text_of, D("1.5"), FieldUnreadable),
        (text_of, ["a"], FieldUnreadable),
        (flag, True, True),
        (flag, False, False),
        (flag, "yes", True),
        (flag, "NO", False),
        (flag, "true", True),
        (flag, 1, True),
        (flag, 0, False),
        (flag, "maybe", FieldUnreadable),
        (flag, 2, FieldUnreadable),
        (flag, [], FieldUnreadable),
    ],
)
def test_readers(read: Callable[[Any], Any], value: Any, result: Any) -> None:
    """Whole numbers, times, ids and flags are what they say, or refused."""
    found = outcome(read, value)
    assert found == result
    assert type(found) is type(result)


def test_words() -> None:
    """A word is known in any case; others are UNKNOWN and counted, nothing is none."""
    side = Words(Side, {"buy": Side.BUY})
    unknown: Counter[str] = Counter()
    assert side("buy", unknown) is Side.BUY
    assert side(" BUY ", unknown) is Side.BUY
    assert side(None, unknown) is side("", unknown) is side("null", unknown) is None
    assert not unknown
    assert side("hold", unknown) is side("Hold", unknown) is Side.UNKNOWN
    assert unknown == {"Side:hold": 2}


def test_words_of_any_type() -> None:
    """A word that is no word, however deep, is UNKNOWN."""
    side = Words(Side, {"buy": Side.BUY})
    unknown: Counter[str] = Counter()
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for odd in (1, True, D("1"), [1], {}, deep, "\x1b[31m", "\ud800"):
        assert side(odd, unknown) is Side.UNKNOWN
    while deep:
        deep = deep.pop()  # taken apart by hand: the collector would recurse
    assert all(name.isprintable() for name in unknown)


def test_counters_are_bounded() -> None:
    """A server that invents words cannot fill the memory."""
    counter: Counter[str] = Counter()
    for index in range(1000):
        count_odd(counter, str(index))
    assert len(counter) == 100


# --- JSON, both ways ---

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.decimals(allow_nan=False, allow_infinity=False).map(lambda value: f"#{value}")
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """Return a value in a form where 1, 1.0, True and 1.00 differ."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return (type(value).__name__, repr(value))


def both_ways(text: str) -> tuple[Any, Any]:
    """Return what the two decoders make of a text."""
    with pytest.MonkeyPatch.context() as patch:
        fast = outcome(lambda text: shape(decode(text)), text)
        patch.setattr(wire, "_fast", None)
        return fast, outcome(lambda text: shape(decode(text)), text)


fast_only = pytest.mark.skipif(wire._fast is None, reason="msgspec is not installed")


@fast_only
@unhurried
@given(json_values, st.booleans(), st.sampled_from([None, 1]))
def test_both_decoders_on_values(value: Any, ascii_only: bool, indent: int | None) -> None:
    """With msgspec and without, every JSON value is the same, to the last digit."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    for number_text in ('"#', '#"'):
        text = text.replace(number_text, "")
    fast, plain = both_ways(text)
    assert fast == plain


@fast_only
@unhurried
@given(st.from_regex(r"\A-?[0-9]{1,45}(\.[0-9]{0,45})?([eE][+-]?[0-9]{1,4})?\Z"))
@example("18446744073709551616")
@example("-9223372036854775809")
@example("-0")
@example("-0.0")
@example("1e400")
@example("01")
@example("1.")
@example("9" * 4300)
@example("9" * 4301)
def test_both_decoders_on_numbers(text: str) -> None:
    """Numbers of any size and form are the same, or refused by both."""
    fast, plain = both_ways(text)
    assert fast == plain
    fast, plain = both_ways(f'{{"a":[{text}]}}')
    assert fast == plain


@fast_only
@unhurried
@given(
    st.text(
        alphabet=st.sampled_from('{}[],:"\\ \t\n\x00\x01\x1f\x7f\ud800\udc00\u2028\ufeffu0dDeEbnt1-.+/xNaIf'),
        max_size=30,
    )
)
@example('{"a":1,"a":2}')
@example("NaN")
@example("-Infinity")
@example('"\\ud800"')
@example('"\\udc00"')
@example('"\\ud83d\\ude00"')
@example('"\\ud83d\\u0041"')
@example('"\\u0000"')
@example('"\x01"')
@example('"\ud800"')
@example("\ufeff1")
@example("1\x00")
@example("\x0b1")
@example("\xa01")
@example("[1,]")
@example("{'a':1}")
@example("// comment\n1")
@example('"\\x"')
@example("")
def test_both_decoders_on_texts(text: str) -> None:
    """Any text is the same value for both, or refused by both."""
    fast, plain = both_ways(text)
    assert fast == plain
    fast, plain = both_ways(f'["{text}"]')
    assert fast == plain


@fast_only
@pytest.mark.parametrize("depth", [10, 100, 500, 5000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_both_decoders_on_depth(depth: int, opening: str, closing: str) -> None:
    """What is nested too deeply for one is too deep for both, and neither crashes."""
    text = opening * depth + "1" + closing * depth
    results = []
    for fast in (wire._fast, None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wire, "_fast", fast)
            try:
                results.append(decode(text) is not None)
            except MessageNotUnderstood:
                results.append(False)
    assert results[0] == results[1]


def test_numbers_stay_exact() -> None:
    """No digit is lost, and nothing goes through a float."""
    value = decode('{"a":0.1000,"b":12345678901234567890123,"c":1104372235586478100,"d":1e400}')
    assert value["a"].as_tuple() == D("0.1000").as_tuple()
    assert value["b"] == 12345678901234567890123
    assert value["c"] == 1104372235586478100
    assert value["d"] == "1e400"  # text that no field will read


@pytest.mark.parametrize("text", ["", "{", "NaN", "Infinity", "pong", "9" * 5000, "[" * 100_000, "{'a':1}", "\ufeff{}"])
def test_not_json(text: str) -> None:
    """What is not JSON is said with its text."""
    with pytest.raises(MessageNotUnderstood, match="not JSON") as caught:
        decode(text)
    assert caught.value.text == text
    with pytest.raises(MessageNotUnderstood):
        decode_tolerant(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1,}', {"a": 1}),
        ('{"a":[1,2 , ] ,\n}', {"a": [1, 2]}),
        ('{"a":",}",}', {"a": ",}"}),
        ("[1]", [1]),
    ],
)
def test_trailing_commas(text: str, value: Any) -> None:
    """Trailing commas are overlooked; commas in texts are not."""
    assert decode_tolerant(text) == value


@pytest.mark.parametrize("text", ["[,]", "[1,,]", '{"a":,}', "{,}", ",", '[",]\n"]', "[1,2", "[" + "[1,]," * 20 + "1]"])
def test_more_than_trailing_commas(text: str) -> None:
    """What is wrong in another way, or too often, stays wrong."""
    with pytest.raises(MessageNotUnderstood):
        decode_tolerant(text)


def test_numbers_are_read_alike_however_often_and_whatever_was_read_before():
    """What is remembered of one number never becomes another's: not of the same value, not of another type."""
    same_value = ["1", "1.0", "1.00", "01", "1e0", 1, D("1.000")]

    for _ in range(2):
        assert [str(number(value)) for value in same_value] == ["1", "1.0", "1.00", "1", "1", "1", "1.000"]
    for wrong in (True, 1.0, ["1"], {}):
        with pytest.raises(FieldUnreadable):
            number(wrong)


def test_more_numbers_than_are_remembered():
    """However many different numbers come, each is read, and few are kept."""
    texts = [f"{value}.5" for value in range(20_000)]

    assert [number(text) for text in texts] == [D(text) for text in texts]
    assert len(wire.NUMBERS) < 5_000


@unhurried
@given(st.text("0123456789+-_ .e\u0660\u0665\uff11", max_size=22))
def test_instants_are_read_like_whole_numbers(text):
    """The short way to a time leads to where the long way does."""
    since_1970 = outcome(whole, text)
    if type(since_1970) is int and not 0 <= since_1970 < 10**14:
        since_1970 = FieldUnreadable
    elif since_1970 == 0:
        since_1970 = None

    assert outcome(instant, text) == since_1970
