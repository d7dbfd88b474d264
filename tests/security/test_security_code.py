"""What the code may not even contain, found by reading it; and what it can ask an exchange for."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import futures_stream
from futures_stream.dialects import DIALECTS, Dialect
from futures_stream.dialects.base import Response, Send, Session
from futures_stream.dialects.bitmusa import Bitmusa
from futures_stream.dialects.bitmusa.terms import BitmusaRest

PACKAGE = Path(futures_stream.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
NODES = {name: list(ast.walk(tree)) for name, tree in TREES.items()}
LISTEN_KEY = "/future/userDataStream"
READING = {
    "/future/wallet",
    "/future/position",
    "/future/order",
    "/future/trade/history",
    "/api/v2/public/time",
    "/api/v2/mix/account/accounts",
    "/api/v2/mix/order/detail",
    "/api/v2/mix/order/fills",
    "/api/v2/mix/order/orders-pending",
    "/api/v2/mix/order/orders-plan-pending",
    "/api/v2/mix/position/adlRank",
    "/api/v2/mix/position/all-position",
    "/api/v2/mix/position/history-position",
}
WEBSOCKET_WORDS = {"login", "subscribe", "unsubscribe", "ping", "pong"}
LEVELS = {"debug", "info", "warning", "error", "critical"}
TRADING = re.compile(r"place|cancel|amend|modify|withdraw|transfer|leverage|close-?position|batch|borrow|repay", re.I)
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "marshal",
    "shelve",
    "yaml",
    "subprocess",
    "ctypes",
    "telnetlib",
    "http.cookies",
    "netrc",
    "xml",
}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "literal_eval",
    "__import__",
    "system",
    "popen",
    "set_inheritable",
    "urlopen",
}
UNVERIFIED = {"CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context", "create_default_context", "wrap_bio"}


def nodes(kind: type[ast.AST], folder: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield the nodes of some kind, each with its file."""
    for name, found in NODES.items():
        if name.startswith(folder):
            yield from ((name, node) for node in found if isinstance(node, kind))


def called(node: ast.Call) -> str:
    """Return the last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


MADE_OF_TABLES = ("dialects/construction.py", "dialects/table.py")
"""Where code is made at import, of tables in the source and of nothing that was ever received, as attrs does it."""


def test_nothing_runs_what_it_read() -> None:
    """No code is made of data: no eval, no pickle, no YAML, no shell; and no native code of our own."""
    imported = {
        (name, alias.name)
        for name, node in nodes(ast.Import)
        for alias in node.names  # type: ignore[attr-defined]
    } | {(name, str(node.module)) for name, node in nodes(ast.ImportFrom)}  # type: ignore[attr-defined]
    wrong = {(name, module) for name, module in imported if module.partition(".")[0] in FORBIDDEN_MODULES}
    wrong |= {(name, module) for name, module in imported if module in FORBIDDEN_MODULES}
    calls = {(name, called(node)) for name, node in nodes(ast.Call)}  # type: ignore[arg-type]

    assert not wrong
    # re.compile is no compile().
    found = {(name, call) for name, call in calls if call in FORBIDDEN_CALLS - {"compile"}}
    assert found <= {(name, "exec") for name in MADE_OF_TABLES}
    assert not [name for name, node in nodes(ast.Call) if isinstance(node.func, ast.Name) and node.func.id == "compile"]  # type: ignore[attr-defined]


def test_certificates_are_verified_always() -> None:
    """One place makes a context; nothing weakens it, and nothing else knows how."""
    made = [(name, node) for name, node in nodes(ast.Attribute) if node.attr == "SSLContext"]  # type: ignore[attr-defined]
    makers = {name for name, node in nodes(ast.Call) if called(node) == "SSLContext"}  # type: ignore[arg-type]
    assert made
    assert makers == {"transport/network.py"}
    words = {(name, node.attr) for name, node in nodes(ast.Attribute)}  # type: ignore[attr-defined]
    assert not {each for each in words if each[1] in UNVERIFIED}
    for name, node in nodes(ast.Assign):
        targets = {target.attr for target in node.targets if isinstance(target, ast.Attribute)}  # type: ignore[attr-defined]
        assert not targets & {"check_hostname", "verify_mode", "verify_flags", "options", "keylog_filename"}, name
    for name, node in nodes(ast.keyword):
        assert not (node.arg in ("verify", "cert_reqs", "sslopt", "trust_env") and _is(node.value, False, None)), name  # type: ignore[attr-defined]


def test_redirects_are_followed_by_nobody() -> None:
    """Every request says that it does not want them followed."""
    requests = [node for _, node in nodes(ast.Call, "transport/") if called(node) == "request"]  # type: ignore[arg-type]
    connects = [node for _, node in nodes(ast.Call, "transport/upgrade.py") if called(node) == "connect"]  # type: ignore[arg-type]
    assert len(requests) == len(connects) == 1
    assert _is(_argument(requests[0], "allow_redirects"), False)
    assert _is(_argument(connects[0], "redirect_limit"), 0)


def test_the_environment_names_no_place() -> None:
    """Only arguments say where to connect: variables hold credentials, the profile's path, and proxies if trusted."""
    reads = {name for name, node in nodes(ast.Attribute) if node.attr in ("environ", "environb", "getenv")}  # type: ignore[attr-defined]
    assert reads == {"dialects/credentials.py", "stream/profiles.py", "cli/output.py"}
    asked = [ast.unparse(node.args[0]) for _, node in nodes(ast.Call, "cli/output.py") if _asks_environment(node)]  # type: ignore[attr-defined]
    assert asked == ["'NO_COLOR'", "'TERM'"]


def _asks_environment(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv")


def test_json_is_written_by_json() -> None:
    """No message is put together of pieces of text: what stands in it cannot end it and begin another."""
    for name, node in nodes(ast.JoinedStr, "dialects/"):
        text = "".join(part.value for part in node.values if isinstance(part, ast.Constant))  # type: ignore[attr-defined]
        assert not re.search(r"\{\s*\"|\"\s*:", text), (name, text)


def test_log_lines_are_constants() -> None:
    """What is logged goes into a line as an argument: nothing that was received is ever the line's own format."""
    for name, node in nodes(ast.Call):
        function = node.func  # type: ignore[attr-defined]
        if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") in ("log", "logger"):
            if function.attr not in LEVELS:
                assert function.attr in ("addHandler", "removeHandler", "setLevel"), name
                continue
            first = node.args[0]  # type: ignore[attr-defined]
            assert isinstance(first, ast.Constant), (name, ast.unparse(node))
            told = {keyword.arg for keyword in node.keywords}  # type: ignore[attr-defined]
            assert not told or name == "cli/exits.py", name  # its traceback is of our own errors


def test_header_names_are_constants() -> None:
    """Values may come from credentials, names never."""
    tree = TREES["dialects/bitmusa/rest.py"]
    makers = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "headers_of"]
    dicts = [node for node in ast.walk(makers[0]) if isinstance(node, ast.Dict)]
    assert len(dicts) == 1
    assert all(isinstance(key, ast.Constant) for key in dicts[0].keys)
    assert all(_is(node.slice, *HEADERS) for _, node in nodes(ast.Subscript, "transport/rest.py") if _is_headers(node))  # type: ignore[attr-defined]


HEADERS = ("Accept-Encoding", "Connection")


def _is_headers(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".headers")


# -- read-only --------------------------------------------------------------------------------------------------------


def requests_of(dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield the method and path of everything that a dialect can ask over REST, in each of its variants."""
    names = [attribute.name for attribute in attrs.fields(dialect.credentials)]
    credentials = dialect.credentials(**dict.fromkeys(names, "x"))
    variants = [dialect]
    if isinstance(dialect, Bitmusa):
        for where in ("query", "body"):
            for source in ("position", "wallet"):
                terms = BitmusaRest(position_parameters_in=where, positions_from=source)  # type: ignore[arg-type]
                variants.append(attrs.evolve(dialect, rest=terms))
    for variant in variants:
        for verb in ("create", "renew", "release") if variant.lease is not None else ():
            request = variant.lease_request(verb, credentials)
            yield request.method, request.path
        for symbols in (None, ["BTCUSDT"]):
            asked = variant.queries(credentials, kinds=variant.queryable, symbols=symbols, known=["ETHUSDT"], since=1)
            for query in asked:
                while True:
                    yield query.request.method, query.request.path
                    empty = Response(status=200, text='{"code": 0, "data": []}')
                    answer = variant.read_answer(query, empty, account="x", received_ns=1)
                    if answer.more is None:
                        break
                    query = answer.more


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_nothing_but_the_listen_key_is_ever_changed(dialect: Dialect) -> None:
    """Over REST the library reads, and cares for the listen key; it has no way to trade or to move money."""
    asked = set(requests_of(dialect))
    assert all(path in READING for method, path in asked if method == "GET")
    assert all(path == LISTEN_KEY for method, path in asked if method != "GET")
    assert {method for method, _ in asked} <= {"GET", "POST", "PUT", "DELETE"}
    assert bool(asked) == (dialect.lease is not None or bool(dialect.queryable))


def test_no_path_of_an_endpoint_that_trades() -> None:
    """Nor is there any other path in the code, used or not."""
    paths = {
        (name, node.value)  # type: ignore[attr-defined]
        for name, node in nodes(ast.Constant, "dialects/")
        if isinstance(node.value, str) and re.fullmatch(r"/[A-Za-z][\w./-]*", node.value)  # type: ignore[attr-defined]
    }
    known = READING | {LISTEN_KEY, "/api/v2", "/user/verify", "/ws/future/"}
    assert {path for _, path in paths} <= known
    assert not [path for _, path in paths if TRADING.search(path)]
    for name, node in nodes(ast.Call, "dialects/"):
        if called(node) == "Request":  # type: ignore[arg-type]
            method = ast.unparse(_argument(node, "method"))  # type: ignore[arg-type]
            assert method in ("'GET'", "_METHODS[verb]"), (name, method)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_nothing_but_subscriptions_is_said_on_a_stream(dialect: Dialect) -> None:
    """On the stream the library logs in, subscribes, unsubscribes and pings."""
    said = [json.loads(send.text)["op"] for send in conversation(dialect)]
    if dialect.ping.text is not None:
        said.append(json.loads(dialect.ping.text)["op"] if dialect.ping.text != "ping" else "ping")

    assert set(said) <= WEBSOCKET_WORDS
    assert bool(said) == (dialect.lease is None)


def conversation(dialect: Dialect) -> Iterator[Send]:
    """Yield all that is sent from the login to the last unsubscription."""
    names = [attribute.name for attribute in attrs.fields(dialect.credentials)]
    channels = dialect.resolve_channels(None)
    session: Session = dialect.session(
        credentials=dialect.credentials(**dict.fromkeys(names, "xxxx")),
        account="x",
        channels=channels,
        symbols=["BTCUSDT"],
    )
    waiting = list(session.opened(1_700_000_000_000).sends)
    waiting += session.unsubscribe(channels).sends
    waiting += session.subscribe(channels).sends
    for _ in range(100):
        if not waiting:
            return
        send = waiting.pop(0)
        yield send
        message = json.loads(send.text)
        event = {"event": message["op"], "code": 0, "arg": message["args"][0]}
        answer = session.receive(json.dumps(event), 1, 1)
        waiting += getattr(answer, "sends", ())
    raise AssertionError("it never ends")


def _argument(call: ast.AST, name: str) -> ast.AST:
    assert isinstance(call, ast.Call)
    return next(keyword.value for keyword in call.keywords if keyword.arg == name)


def _is(node: ast.AST, *values: object) -> bool:
    return isinstance(node, ast.Constant) and any(node.value is each or node.value == each for each in values)
