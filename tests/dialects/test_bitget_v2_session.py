"""A conversation with Bitget's v2: login, subscriptions, answers, refusals, and the codes' meaning."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from dialect_sessions import NOW_MS, begin, credentials_of, frame, greet, secrets_of

from futures_stream.dialects import BITGET_V2_DEMO, BitgetV2, BitmusaCredentials
from futures_stream.dialects.base import Control, Session
from futures_stream.errors import (
    ClockSkew,
    ConfigError,
    FuturesStreamError,
    LoginRejected,
    MessageNotUnderstood,
    PermissionRefused,
    SubscriptionRejected,
    Throttled,
    TransientError,
)

DIALECT = BitgetV2(products=("USDT-FUTURES",))
ALL = BitgetV2()
LOGGED_IN = '{"event":"login","code":0}'


def sent(control: Any) -> list[dict[str, Any]]:
    """Return the messages that a control sends."""
    assert isinstance(control, Control)
    return [json.loads(send.text) for send in control.sends]


def error(code: object, msg: str = "no", **extra: Any) -> str:
    """An error as Bitget writes it."""
    return json.dumps({"event": "error", "code": code, "msg": msg, **extra})


def accept(session: Session, message: dict[str, Any]) -> list[dict[str, Any]]:
    """Accept a subscription message, argument by argument; return what is sent then."""
    found = []
    for arg in message["args"]:
        found += sent(session.receive(json.dumps({"event": "subscribe", "arg": arg}), 1, 1))
    return found


def arg(channel: str, product: str = "USDT-FUTURES") -> dict[str, str]:
    """A subscription's argument as it is echoed."""
    return {"instType": product, "channel": channel, "instId": "default"}


def test_login() -> None:
    """Whole seconds, signed as the documents say."""
    session = begin(DIALECT)
    (login,) = sent(session.opened(NOW_MS + 999))
    (said,) = login["args"]
    secrets = secrets_of(DIALECT)
    digest = hmac.new(secrets["api_secret"].encode(), b"1700000000GET/user/verify", hashlib.sha256).digest()
    assert (login["op"], said["timestamp"]) == ("login", "1700000000")
    assert said["sign"] == base64.b64encode(digest).decode()
    assert (said["apiKey"], said["passphrase"]) == (secrets["api_key"], secrets["passphrase"])
    assert session.awaiting == "the login's answer"


@pytest.mark.parametrize("code", ["0", 0, "", None, "00000"])
def test_all_is_subscribed_after_the_login(code: object) -> None:
    """Not before; each channel once for each product, some at a time, the account by its coin."""
    session = begin(ALL)
    session.opened(NOW_MS)
    (first,) = sent(session.receive(json.dumps({"event": "login", "code": code, "msg": ""}), 1, 1))
    (second,) = accept(session, first)
    assert accept(session, second) == []
    args = [*first["args"], *second["args"]]
    assert (len(first["args"]), len(args)) == (15, 24)
    assert {(each["instType"], each["channel"]) for each in args} == {
        (product, channel) for product in ALL.products for channel in ALL.channels.values()
    }
    for each in args:
        key = {"account": {"coin": "default"}, "adl-noti": {}}.get(each["channel"], {"instId": "default"})
        assert each == {"instType": each["instType"], "channel": each["channel"], **key}
    assert session.greeted
    assert session.awaiting is None
    assert session.subscribed == set(ALL.channels)


def test_each_answer_renews_the_time_limit() -> None:
    """What is awaited is said in other words after each answer."""
    session = begin(DIALECT, channels=["orders", "positions"])
    session.opened(NOW_MS)
    (message,) = sent(session.receive(LOGGED_IN, 1, 1))
    assert session.awaiting == "the answer to subscribe positions USDT-FUTURES and 1 more"
    session.receive(json.dumps({"event": "subscribe", "arg": message["args"][0]}), 1, 1)
    assert session.awaiting == "the answer to subscribe orders USDT-FUTURES"
    assert session.subscribed == {"positions"}
    assert not session.greeted


@pytest.mark.parametrize(
    "answer",
    [
        {"event": "subscribe", "arg": {"instType": "usdt-futures", "channel": "Orders", "instId": "default"}},
        {"event": "subscribe", "arg": {"channel": "orders"}},
        {"event": "subscribe", "code": 0, "msg": "", "arg": arg("orders")},
        {"event": "subscribe", "code": "", "arg": arg("orders")},
        {"event": "subscribe"},
    ],
)
def test_answers_in_other_words(answer: dict[str, Any]) -> None:
    """Lower case, codes, and what is left out are no obstacle."""
    session = begin(DIALECT, channels=["orders"])
    session.opened(NOW_MS)
    session.receive(LOGGED_IN, 1, 1)
    session.receive(json.dumps(answer), 1, 1)
    assert session.greeted


def test_data_stand_for_the_answer() -> None:
    """What delivers has been accepted, and the next subscriptions go out."""
    session = begin(ALL, channels=["orders", "executions", "account", "positions", "equity", "trigger_orders"])
    session.opened(NOW_MS)
    (first,) = sent(session.receive(LOGGED_IN, 1, 1))
    for each in first["args"]:
        text = json.dumps({"action": "snapshot", "arg": each, "data": []})
        assert isinstance(session.receive(text, 1, 1), list)
    (send,) = session.take_sends()
    assert len(json.loads(send.text)["args"]) == 3
    assert session.take_sends() == ()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("30005", LoginRejected),
        ("30011", LoginRejected),
        ("30012", LoginRejected),
        ("30015", LoginRejected),
        ("30003", LoginRejected),
        ("30016", LoginRejected),
        ("99999", LoginRejected),
        ("30013", ClockSkew),
        ("30014", ClockSkew),
        ("30006", Throttled),
        ("30007", Throttled),
        ("30004", TransientError),
        ("40085", PermissionRefused),
    ],
)
@pytest.mark.parametrize("as_number", [False, True])
def test_codes_at_login(code: str, kind: type[FuturesStreamError], as_number: bool) -> None:
    """What a code means while the login's answer is awaited; as text and as number."""
    session = begin(DIALECT)
    session.opened(NOW_MS)
    with pytest.raises(kind) as caught:
        session.receive(error(int(code) if as_number else code, "said so"), 1, 1)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.exchange) == (code, "bitget-v2")
    assert "said so" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("30011", "API key"),
        ("30012", "passphrase"),
        ("30015", "API secret"),
        ("30005", "allowed addresses"),
        ("30003", "ws_url"),
        ("40085", "v3"),
        ("30013", "clock"),
    ],
)
def test_refusals_say_what_to_change(code: str, words: str) -> None:
    """An operator knows what to do next."""
    session = begin(DIALECT)
    session.opened(NOW_MS)
    with pytest.raises(FuturesStreamError, match=words):
        session.receive(error(code), 1, 1)


def test_refused_in_the_login_event_itself() -> None:
    """An answer to the login with a code is a refusal as well."""
    session = begin(DIALECT)
    session.opened(NOW_MS)
    with pytest.raises(LoginRejected):
        session.receive('{"event":"login","code":30011,"msg":"Invalid ACCESS_KEY"}', 1, 1)


@pytest.mark.parametrize("code", [30001, "30002", 30003, 30016, 77777])
def test_refused_subscription(code: object) -> None:
    """It names its channel, the others are asked for all the same, and the session goes on."""
    session = begin(DIALECT, channels=["orders", "positions"])
    session.opened(NOW_MS)
    session.receive(LOGGED_IN, 1, 1)
    with pytest.raises(SubscriptionRejected) as caught:
        session.receive(error(code, "doesn't exist", arg=arg("positions"), op="subscribe"), 1, 1)
    assert (caught.value.channel, caught.value.code) == ("positions", str(code))
    assert "USDT-FUTURES" in str(caught.value)
    assert sent(session.proceed()) == []
    session.receive(json.dumps({"event": "subscribe", "arg": arg("orders")}), 1, 1)
    assert session.greeted
    assert session.subscribed == {"orders"}


def test_refusal_that_does_not_say_of_what() -> None:
    """What is unanswered is asked for one by one, until the refusal can mean one thing only."""
    session = begin(DIALECT, channels=["orders", "positions", "account"])
    session.opened(NOW_MS)
    session.receive(LOGGED_IN, 1, 1)
    session.receive(json.dumps({"event": "subscribe", "arg": {**arg("account"), "coin": "default"}}), 1, 1)
    (alone,) = sent(session.receive(error(30001), 1, 1))
    assert alone["args"] == [arg("positions")]
    (then,) = accept(session, alone)
    assert then["args"] == [arg("orders")]
    with pytest.raises(SubscriptionRejected) as caught:
        session.receive(error(30001), 1, 1)
    assert caught.value.channel == "orders"
    session.proceed()
    assert session.greeted
    assert session.subscribed == {"account", "positions"}


def test_late_answers_of_what_is_asked_for_again() -> None:
    """They count."""
    session = begin(DIALECT, channels=["orders", "positions", "account"])
    session.opened(NOW_MS)
    session.receive(LOGGED_IN, 1, 1)
    session.receive(error(30001), 1, 1)  # of the account, which is asked for alone now
    for channel in ("positions", "orders"):
        session.receive(json.dumps({"event": "subscribe", "arg": arg(channel)}), 1, 1)
    with pytest.raises(SubscriptionRejected, match="account"):
        session.receive(error(30001), 1, 1)
    session.proceed()
    assert session.greeted
    assert session.subscribed == {"positions", "orders"}


def test_channel_lost() -> None:
    """A channel that served is taken away."""
    session = begin(DIALECT)
    greet(session)
    with pytest.raises(SubscriptionRejected):
        session.receive(error(30001, arg=arg("orders")), 1, 1)
    assert "orders" not in session.subscribed
    with pytest.raises(MessageNotUnderstood):
        session.receive(error(30016, "param error"), 1, 1)


def test_one_product_lost() -> None:
    """A channel that is taken away for one product family goes on for the others; with the last of them it is gone."""
    session = begin(ALL, channels=["orders", "positions"])
    greet(session)
    named = []
    for product in ("COIN-FUTURES", "USDT-FUTURES", "USDC-FUTURES"):
        with pytest.raises(SubscriptionRejected) as caught:
            session.receive(error(30016, arg=arg("orders", product)), 1, 1)
        named.append((caught.value.channel, caught.value.product, "orders" in session.subscribed))
        assert product in str(caught.value)
    assert named == [
        ("orders", "COIN-FUTURES", True),
        ("orders", "USDT-FUTURES", True),
        ("orders", None, False),
    ]
    assert session.subscribed == {"positions"}


def test_forgotten_login() -> None:
    """A subscription that wins the race against the login: log in once more, and ask for what is unanswered."""
    session = begin(DIALECT, channels=["orders", "positions"])
    session.opened(NOW_MS)
    (message,) = sent(session.receive(LOGGED_IN, 1, 1))
    (login,) = sent(session.receive(error(30004, "User not logged in"), (NOW_MS + 5000) * 10**6, 1))
    assert (login["op"], login["args"][0]["timestamp"]) == ("login", "1700000005")
    assert session.awaiting == "the login's answer"
    (again,) = sent(session.receive(LOGGED_IN, 1, 1))
    assert again == message
    with pytest.raises(TransientError, match="new connection"):
        session.receive(error(30004), 1, 1)


def test_login_forgotten_while_live() -> None:
    """Nobody knows what became of the subscriptions: a new connection is safer."""
    session = begin(DIALECT)
    greet(session)
    with pytest.raises(TransientError):
        session.receive(error(30004), 1, 1)


def test_asked_to_move() -> None:
    """A service upgrade is announced a minute ahead: the session goes on, and says so."""
    session = begin(DIALECT)
    greet(session)
    control = session.receive(error(30033, "service upgrade"), 1, 1)
    assert isinstance(control, Control)
    assert "service upgrade" in (control.move or "")
    assert session.greeted


def test_cut_off_waits() -> None:
    """Who is over the limit is not to come back at once."""
    session = begin(DIALECT)
    greet(session)
    with pytest.raises(Throttled) as caught:
        session.receive(error(30007), 1, 1)
    assert caught.value.retry_after == 30.0


def test_unsubscribe_and_subscribe() -> None:
    """Channels come and go at the exchange, for all products at once."""
    session = begin(ALL, channels=["orders"])
    greet(session)
    (given_up,) = sent(session.unsubscribe(["orders"]))
    assert given_up == {"op": "unsubscribe", "args": [arg("orders", product) for product in sorted(ALL.products)]}
    for each in given_up["args"]:
        session.receive(json.dumps({"event": "unsubscribe", "arg": each}), 1, 1)
    assert session.subscribed == frozenset()
    (asked,) = sent(session.subscribe(["executions"]))
    assert {each["channel"] for each in asked["args"]} == {"fill"}
    accept(session, asked)
    assert session.subscribed == {"executions"}
    assert sent(session.subscribe(["executions"])) == []
    assert sent(session.unsubscribe(["positions"])) == []


def test_given_up_while_unanswered() -> None:
    """Its confirmation, or its refusal, comes too late to matter."""
    session = begin(DIALECT, channels=["orders"])
    session.opened(NOW_MS)
    session.receive(LOGGED_IN, 1, 1)
    session.unsubscribe(["orders"])
    control = session.receive(error(30001, arg=arg("orders")), 1, 1)
    assert isinstance(control, Control)
    assert session.subscribed == frozenset()


def test_subscribed_again_while_given_up() -> None:
    """A channel that is given up and asked for again while unanswered is subscribed once more."""
    session = begin(DIALECT, channels=["orders"])
    session.opened(NOW_MS)
    session.receive(LOGGED_IN, 1, 1)
    session.unsubscribe(["orders"])
    assert sent(session.subscribe(["orders"])) == []
    (again,) = sent(session.receive(json.dumps({"event": "subscribe", "arg": arg("orders")}), 1, 1))
    assert again["args"] == [arg("orders")]


def test_an_answer_to_what_was_not_asked_for_yet() -> None:
    """It changes nothing: what is lined up is asked for all the same."""
    session = begin(ALL)
    session.opened(NOW_MS)
    (first,) = sent(session.receive(LOGGED_IN, 1, 1))
    later = arg("equity", "USDC-FUTURES")
    assert later not in first["args"]
    session.receive(json.dumps({"event": "subscribe", "arg": later}), 1, 1)
    (second,) = accept(session, first)
    assert later in second["args"]


def test_refused_unsubscription() -> None:
    """It is counted; nothing comes of it."""
    session = begin(DIALECT, channels=["orders"])
    greet(session)
    session.unsubscribe(["orders"])
    control = session.receive(error(30001, op="unsubscribe", arg=arg("orders")), 1, 1)
    assert isinstance(control, Control)
    assert session.oddities == {"unsubscription refused": 1}


def test_ping() -> None:
    """A text, not JSON, and its answer; other forms of the answer are understood, too."""
    assert (DIALECT.ping.text, DIALECT.ping.every) == ("ping", 20.0)
    session = begin(DIALECT)
    for text in ("pong", '{"op":"pong"}', '{"event":"pong"}'):
        assert session.receive(text, 1, 1) == Control(label="pong")


def test_secrets_of_both_logins_are_masked() -> None:
    """A server that says a signature back does not get it into an error."""
    session = begin(DIALECT, channels=["orders"])
    (first,) = sent(session.opened(NOW_MS))
    session.receive(LOGGED_IN, 1, 1)
    (second,) = sent(session.receive(error(30004), (NOW_MS + 9000) * 10**6, 1))
    signs = [message["args"][0]["sign"] for message in (first, second)]
    with pytest.raises(LoginRejected) as caught:
        session.receive(error(30015, " ".join(signs)), 1, 1)
    assert not any(sign in f"{caught.value} {vars(caught.value)}" for sign in signs)


@pytest.mark.parametrize("products", ["USDT-FUTURES", (), ("USDT-FUTURE",), ("umcbl",), (7,)])
def test_no_such_product(products: Any) -> None:
    """What is no product type is refused in the caller, with the ones there are."""
    with pytest.raises(ConfigError, match="USDC-FUTURES"):
        BitgetV2(products=products)


@pytest.mark.parametrize("symbol", ["BTCUSDT_UMCBL", "btcusd_dmcbl", "SBTCSUSDT_SUMCBL"])
def test_symbols_of_the_api_before(symbol: str) -> None:
    """They would never match; the right spelling is in the message."""
    with pytest.raises(ConfigError, match=rf"'{symbol.partition('_')[0]}'"):
        begin(DIALECT, symbols=[symbol])


def test_demo() -> None:
    """Demo trading has a stream of its own, and says so over REST."""
    demo = BitgetV2.demo(products=("USDT-FUTURES",))
    assert demo.endpoints == BITGET_V2_DEMO
    (query,) = demo.queries(credentials_of(demo), kinds=["balances"], symbols=None)
    assert query.request.headers["paptrading"] == "1"
    (live,) = DIALECT.queries(credentials_of(DIALECT), kinds=["balances"], symbols=None)
    assert "paptrading" not in live.request.headers


def test_another_word_for_all() -> None:
    """What a subscription says for "all" is unverified in parts, and can be changed."""
    dialect = BitgetV2(products=("USDT-FUTURES",), subscribe_keys={"account": "instId"})
    _, message = map(json.loads, greet(begin(dialect, channels=["account"])))
    assert message["args"] == [arg("account")]


def test_limits_are_said() -> None:
    """What Bitget allows to an address (WIRE.md A.4)."""
    assert DIALECT.limits["message"] == ((10, 1.0),)
    assert DIALECT.limits["subscribe"] == ((240, 3600.0),)
    assert (300, 300.0) in DIALECT.limits["connect"]
    assert DIALECT.lifetime == 86400.0


def test_other_credentials() -> None:
    """Those of another exchange are refused by name."""
    with pytest.raises(ConfigError, match="BitgetV2Credentials"):
        DIALECT.session(credentials=BitmusaCredentials("a", "b"), account="x", channels=["orders"], symbols=None)


def test_documented_refusal() -> None:
    """The sample of the documents."""
    session = begin(DIALECT)
    session.opened(NOW_MS)
    with pytest.raises(LoginRejected) as caught:
        session.receive(frame("bitget-v2", "docsv2_ws_login_ack_error.json"), 1, 1)
    assert caught.value.code == "30005"
