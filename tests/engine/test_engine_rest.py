"""REST calls under a total limit, and where they are sent."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator

import pytest

from futures_stream import BitgetV2, BitgetV2Credentials, ClockSkew, ConnectFailed, Throttled
from futures_stream.dialects.base import Request, Response
from futures_stream.engine.budget import Budget
from futures_stream.engine.errands import Errands
from futures_stream.engine.rest import RestCaller
from futures_stream.engine.rest_thread import Answered, RestThread
from futures_stream.testing import HANG, FakeClock, FakeNetwork

GET = Request(method="GET", path="/x", label="look")
OK, MISSING, BROKEN = (Response(status=status, text="{}") for status in (200, 404, 500))


class Caller:
    """A caller, its network, and a thread to call on."""

    def __init__(self, base_url: str = "https://rest.test/", roots: tuple[str, ...] = ("", "/api/v2")) -> None:
        self.clock = FakeClock()
        self.network = FakeNetwork(self.clock)
        self.errands = Errands("futures-stream/test", self.clock)
        self.stopping = self.clock.event()
        self.rest = RestCaller(
            network=self.network, base_url=base_url, roots=roots, errands=self.errands, clock=self.clock, limit=10.0
        )
        self.outcome: object = None

    def ask(self) -> Response:
        """Make a call."""
        return self.rest.call(GET, self.stopping)

    def ask_apart(self) -> threading.Thread:
        """Make a call on a thread."""

        def life() -> None:
            try:
                self.outcome = self.ask()
            except ConnectFailed as error:
                self.outcome = error

        thread = threading.Thread(target=life, name="futures-stream/test/rest")
        thread.start()
        return thread

    @property
    def places(self) -> list[str]:
        """Where the calls went."""
        return [called.base_url for called in self.network.calls]


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A caller with two roots."""
    caller = Caller()
    yield caller
    caller.errands.close(2)


def test_what_answers_is_used_from_then_on(caller: Caller) -> None:
    """The first root that does not say 404 is kept, and no other is asked again."""
    caller.network.answer("GET", MISSING, OK, OK, MISSING)

    assert [caller.ask().status for _ in range(3)] == [200, 200, 404]
    assert caller.places == ["https://rest.test"] + ["https://rest.test/api/v2"] * 3


def test_an_answer_at_the_first_root_settles_it(caller: Caller) -> None:
    """Once something was there, a 404 is an answer."""
    caller.network.answer("GET", OK, MISSING)

    assert [caller.ask().status for _ in range(2)] == [200, 404]
    assert caller.places == ["https://rest.test"] * 2


def test_nowhere_is_the_first_answer(caller: Caller) -> None:
    """If no root knows the path, that is what is returned, and next time both are asked again."""
    caller.network.answer("GET", MISSING)

    assert [caller.ask().status for _ in range(2)] == [404, 404]
    assert caller.places == ["https://rest.test", "https://rest.test/api/v2"] * 2


def test_an_error_settles_nothing(caller: Caller) -> None:
    """A server error at the second root is returned, but proves nothing about where the API is."""
    caller.network.answer("GET", MISSING, BROKEN, MISSING, OK)

    assert [caller.ask().status for _ in range(2)] == [500, 200]


@pytest.mark.parametrize(
    ("base_url", "roots", "asked"),
    [
        ("https://rest.test/api/v2", ("", "/api/v2"), "https://rest.test/api/v2"),
        ("https://rest.test/api/v2/", ("/api/v2",), "https://rest.test/api/v2"),
        ("https://rest.test/some/prefix", ("", "/api/v2"), "https://rest.test/some/prefix"),
    ],
)
def test_a_root_that_is_there_is_not_added_again(base_url: str, roots: tuple[str, ...], asked: str) -> None:
    """A base URL that ends with the root already is taken as it is."""
    caller = Caller(base_url, roots)
    caller.network.answer("GET", OK)
    caller.ask()
    caller.errands.close(2)

    assert caller.places == [asked]


def test_a_hanging_call_ends_at_the_deadline(caller: Caller) -> None:
    """No answer in time is an error, and the call is cancelled."""
    caller.network.answer("GET", HANG)
    thread = caller.ask_apart()
    caller.clock.settle(2)
    caller.clock.advance(9.9)
    assert caller.outcome is None
    caller.clock.advance(0.2)
    thread.join()

    assert isinstance(caller.outcome, ConnectFailed)
    assert "within 10 s" in str(caller.outcome)


def test_a_limit_of_the_callers_own_is_for_all_of_it(caller: Caller) -> None:
    """For the turn that the host's budget gives, and for every root: what may not hold up an end does not."""
    caller.rest._budget = budget = Budget([(1, 60.0)], caller.clock)
    budget.book()
    with pytest.raises(Throttled):
        caller.rest.call(GET, caller.stopping, 2.0)
    assert caller.network.calls == []
    assert caller.clock.monotonic() == 1000.0


def test_stop_ends_a_call(caller: Caller) -> None:
    """Whoever stops need not wait for an answer."""
    caller.network.answer("GET", HANG)
    thread = caller.ask_apart()
    caller.clock.settle(2)
    caller.stopping.set()
    caller.rest.wake()
    thread.join()

    assert "stopped" in str(caller.outcome)


def test_a_stop_right_before_a_call_is_heard(caller: Caller) -> None:
    """A wake-up that came a moment before the call is not forgotten by it."""
    caller.network.answer("GET", HANG)
    caller.stopping.set()
    caller.rest.wake()
    thread = caller.ask_apart()
    thread.join(2)
    heard = not thread.is_alive()
    caller.rest.wake()
    thread.join()

    assert heard
    assert "stopped" in str(caller.outcome)


def test_a_wake_up_without_a_stop_changes_nothing(caller: Caller) -> None:
    """Somebody else's wake-up does not end a call."""
    caller.network.answer("GET", HANG)
    thread = caller.ask_apart()
    caller.clock.settle(2)
    caller.rest.wake()
    caller.clock.settle(2)
    caller.clock.advance(11)
    thread.join()

    assert "within" in str(caller.outcome)


def test_an_error_of_the_network_is_raised(caller: Caller) -> None:
    """What the errand raises arrives as it is."""
    caller.network.answer("GET", ConnectFailed("down"))

    with pytest.raises(ConnectFailed, match="down"):
        caller.ask()


@pytest.mark.parametrize("ahead", [0, 7000])
def test_a_time_that_is_refused_is_measured(ahead: int) -> None:
    """Whether our clock is right to the millisecond or not, the error says by how much it is off."""
    clock = FakeClock()
    network = FakeNetwork(clock)
    errands = Errands("futures-stream/test", clock)
    told: queue.Queue[object] = queue.Queue()

    def answer(base_url: str, request: Request) -> Response:
        if request.path.endswith("/time"):
            now = str(clock.unix_ms() + ahead)
            return Response(status=200, text=json.dumps({"code": "00000", "msg": "ok", "data": {"serverTime": now}}))
        return Response(status=400, text=json.dumps({"code": "40008", "msg": "expired", "data": None}))

    network.answer("GET", answer)
    dialect, stopping = BitgetV2(), clock.event()
    rest = RestCaller(
        network=network, base_url="https://rest.test", roots=("",), errands=errands, clock=clock, limit=10.0
    )
    thread = RestThread(
        dialect=dialect,
        account="a",
        rest=rest,
        keeper=None,
        post=told.put,
        clock=clock,
        news=clock.event(),
        stopping=stopping,
    )
    running = threading.Thread(target=thread.run, name="futures-stream/test/rest")
    running.start()
    (query,) = dialect.queries(BitgetV2Credentials("key", "secret", "phrase"), kinds=["balances"], symbols=None)
    thread.ask(None, query)
    answered = told.get(timeout=10)
    stopping.set()
    thread.wake()
    running.join()
    errands.close(2)

    assert isinstance(answered, Answered)
    assert isinstance(answered.error, ClockSkew)
    assert answered.error.offset == ahead / 1000
