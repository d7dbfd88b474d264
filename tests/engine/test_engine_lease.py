"""The keeper of the listen key, on a fake clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random

import pytest
from engine_rig import BITMUSA, FINE, KEY_1, KEY_2, KEY_3, code_answer, key_answer

from futures_stream import ConnectFailed, LeaseLost, LoginRejected, PermissionRefused
from futures_stream.dialects.base import LeaseTerms, Request, Response
from futures_stream.dialects.bitmusa import Bitmusa
from futures_stream.engine.crew import Crew
from futures_stream.engine.errands import Errands
from futures_stream.engine.lease import (
    LeaseAtRisk,
    LeaseConfirmed,
    LeaseExtended,
    LeaseGranted,
    LeaseKeeper,
    LeaseRefused,
    LeaseReplaced,
)
from futures_stream.engine.rest import RestCaller
from futures_stream.engine.rest_thread import RestThread
from futures_stream.testing import HANG, Called, FakeClock, FakeNetwork

HOUR = 3600.0
DAY = 24 * HOUR
NEVER = 1e9  # seconds; most tests are about renewals alone


class Desk:
    """A keeper on its thread, and what it posts."""

    def __init__(
        self, clock: FakeClock, network: FakeNetwork, crew: Crew, release: bool = False, compare_every: float = NEVER
    ) -> None:
        self.clock, self.network = clock, network
        self.posted: list[object] = []
        self.errands = Errands("futures-stream/test", clock)
        news = clock.event()
        rest = RestCaller(
            network=network,
            base_url="https://rest.test",
            roots=("",),
            errands=self.errands,
            clock=clock,
            limit=10.0,
        )
        self.keeper = LeaseKeeper(
            dialect=Bitmusa(lease=LeaseTerms(compare_every=compare_every)),
            credentials=BITMUSA,
            rest=rest,
            post=self.posted.append,
            clock=clock,
            random=Random(5),
            release=release,
            news=news,
            stopping=crew.stopping,
        )
        self.thread = RestThread(
            dialect=Bitmusa(),
            account="a",
            rest=rest,
            keeper=self.keeper,
            post=self.posted.append,
            clock=clock,
            news=news,
            stopping=crew.stopping,
        )

    def news(self) -> list[object]:
        """Take what was posted."""
        taken, self.posted[:] = list(self.posted), []
        return taken

    def kinds(self) -> list[str]:
        """Take what was posted, and return the classes' names."""
        return [type(news).__name__ for news in self.news()]

    def calls(self) -> list[Called]:
        """Take the calls that were made."""
        taken, self.network.calls[:] = list(self.network.calls), []
        return taken

    def ask(self, generation: int = 1) -> None:
        """Ask for a key and let everything happen that follows."""
        self.keeper.ask(generation)
        self.clock.settle(1)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def network(clock: FakeClock) -> FakeNetwork:
    """An exchange that gives and extends one key."""
    network = FakeNetwork(clock)
    network.answer("POST", key_answer(KEY_1))
    network.answer("PUT", FINE)
    network.answer("DELETE", FINE)
    return network


@pytest.fixture(params=[False], ids=["keeping"])
def desk(clock: FakeClock, network: FakeNetwork, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A keeper that runs."""
    with Crew("futures-stream/test", clock) as crew:
        desk = Desk(clock, network, crew, release=request.param)
        crew.start("rest", desk.thread.run, desk.thread.wake)
        clock.settle(1)
        yield desk
    desk.errands.close(1)


def spacing(calls: list[Called]) -> list[float]:
    """Return the seconds between calls."""
    return [round(later.at - earlier.at, 3) for earlier, later in pairwise(calls)]


def test_nothing_is_asked_before_it_is_wanted(desk: Desk) -> None:
    """Without a connection to make there is no key, and no call."""
    desk.clock.advance(DAY)

    assert desk.calls() == []


def test_a_key_is_extended_as_soon_as_it_was_got(desk: Desk) -> None:
    """POST gives the account's key, whose age nobody knows: the first PUT follows at once."""
    desk.ask(7)

    assert [(called.method, called.at) for called in desk.calls()] == [("POST", 1000.0), ("PUT", 1000.0)]
    granted, extended = desk.news()
    assert isinstance(granted, LeaseGranted)
    assert (granted.generation, granted.key.reveal()) == (7, KEY_1)
    assert extended == LeaseExtended(desk.clock.unix_ms() + 3_600_000)


def test_renewals_go_on_for_days(desk: Desk) -> None:
    """A PUT about every 20 minutes, give or take a tenth, never two alike, and nothing else."""
    desk.ask()
    desk.clock.advance(3 * DAY)

    calls = desk.calls()
    pauses = spacing(calls[1:])
    assert {called.method for called in calls[1:]} == {"PUT"}
    assert min(pauses) >= 1080
    assert max(pauses) <= 1320
    assert len(set(pauses)) > len(pauses) / 2
    assert len(pauses) == pytest.approx(3 * DAY / 1200, rel=0.03)


def test_a_failed_renewal_is_tried_again_while_the_key_lives(desk: Desk) -> None:
    """After 5, 10, 20, 40, 60, 60 … seconds, without a word to the stream; success takes it back to the usual pace."""
    desk.ask()
    desk.network.answer("PUT", *[ConnectFailed("no answer")] * 7, FINE)
    desk.calls()
    desk.news()
    desk.clock.advance(HOUR)

    puts = desk.calls()
    assert spacing(puts)[:7] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]
    assert spacing(puts)[7] >= 1080
    assert set(desk.kinds()) == {"LeaseExtended"}


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=500, text="oops"),
        Response(status=200, text="<html>"),
        Response(status=200, text=""),
        code_answer(9999),
        ConnectFailed("reset"),
    ],
    ids=["500", "html", "empty", "unknown code", "no answer"],
)
def test_what_is_no_success_is_a_failure(desk: Desk, answer: Response | Exception) -> None:
    """Only a body that says code 0 extends a key."""
    desk.ask()
    desk.network.answer("PUT", answer)
    desk.news()
    desk.clock.advance(HOUR - 1)

    assert desk.kinds() == []


def test_a_key_that_could_not_be_extended_is_asked_for_anew(desk: Desk) -> None:
    """When its life is over POST is asked; another key means another connection."""
    desk.ask()
    desk.network.answer("PUT", ConnectFailed("no answer"))
    desk.network.answer("POST", key_answer(KEY_2))
    desk.calls()
    desk.news()
    desk.clock.advance(HOUR - 1)
    assert {called.method for called in desk.calls()} == {"PUT"}
    assert desk.kinds() == []

    desk.network.answer("PUT", ConnectFailed("no answer"), FINE)
    desk.clock.advance(62)
    assert [called.method for called in desk.calls()] == ["PUT", "POST", "PUT"]
    replaced, extended = desk.news()
    assert isinstance(replaced, LeaseReplaced)
    assert replaced.key.reveal() == KEY_2
    assert isinstance(replaced.error, LeaseLost)
    assert isinstance(extended, LeaseExtended)


def test_the_same_key_again_is_no_replacement(desk: Desk) -> None:
    """If POST gives the key that we have, the connection on it is left alone."""
    desk.ask()
    desk.network.answer("PUT", ConnectFailed("no answer"))
    desk.news()
    desk.clock.advance(HOUR + 300)

    assert desk.kinds() == []
    assert "POST" in [called.method for called in desk.calls()[2:]]


def test_the_exchange_says_that_there_is_no_key(desk: Desk) -> None:
    """Code 3022 is not retried: a new key is asked for at once, and extended at once."""
    desk.ask()
    desk.network.answer("PUT", code_answer(3022), FINE)
    desk.network.answer("POST", key_answer(KEY_2))
    desk.calls()
    desk.news()
    desk.clock.advance(1320)

    first, second, third = desk.calls()[:3]
    assert [first.method, second.method, third.method] == ["PUT", "POST", "PUT"]
    assert first.at == second.at == third.at
    assert desk.kinds()[:2] == ["LeaseReplaced", "LeaseExtended"]


def test_without_any_answer_the_key_is_at_risk_once(desk: Desk) -> None:
    """When its life is over and REST is silent, that is told once; the first accepted PUT takes it back."""
    desk.ask()
    desk.network.answer("PUT", ConnectFailed("down"))
    desk.network.answer("POST", ConnectFailed("down"))
    desk.news()
    desk.clock.advance(2 * HOUR)
    assert desk.kinds() == ["LeaseAtRisk"]

    desk.network.answer("PUT", FINE)
    desk.clock.advance(61)
    assert desk.kinds() == ["LeaseExtended", "LeaseConfirmed"]


def test_a_risk_is_told_again_after_a_new_key(desk: Desk) -> None:
    """A key that was granted anew begins without suspicion: when its own life is over that is told, too."""
    desk.ask(1)
    desk.network.answer("PUT", ConnectFailed("down"))
    desk.network.answer("POST", ConnectFailed("down"))
    desk.clock.advance(2 * HOUR)
    desk.network.answer("POST", key_answer(KEY_1))
    desk.ask(2)
    desk.network.answer("POST", ConnectFailed("down"))
    desk.news()
    desk.clock.advance(2 * HOUR)

    assert desk.kinds() == ["LeaseAtRisk"]


@pytest.mark.parametrize(
    ("code", "error"), [(1001, LoginRejected), (1002, PermissionRefused), (1005, PermissionRefused)]
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_fatal_codes_end_it(desk: Desk, method: str, code: int, error: type[Exception]) -> None:
    """Wrong credentials are told, and not tried again by anybody."""
    desk.network.answer(method, code_answer(code))
    desk.ask(3)
    desk.clock.advance(DAY)

    refused = desk.news()[-1]
    assert isinstance(refused, LeaseRefused)
    assert refused.generation == (3 if method == "POST" else None)
    assert isinstance(refused.error, error)
    assert [called.method for called in desk.calls()] == (["POST"] if method == "POST" else ["POST", "PUT"])


def test_a_first_key_that_is_not_to_be_had_is_left_to_the_asker(desk: Desk) -> None:
    """Without a key the keeper does not try again by itself: who asked decides when."""
    desk.network.answer("POST", ConnectFailed("down"), key_answer(KEY_1))
    desk.ask(1)
    desk.clock.advance(HOUR)
    (refused,) = desk.news()
    assert isinstance(refused, LeaseRefused)
    desk.ask(2)

    assert desk.kinds() == ["LeaseGranted", "LeaseExtended"]


def test_throttling_is_honoured(desk: Desk) -> None:
    """A PUT that is told to wait 15 minutes waits for 15 minutes."""
    desk.ask()
    desk.network.answer("PUT", code_answer(1011, retry_after=900.0), FINE)
    desk.calls()
    desk.clock.advance(2400)

    assert spacing(desk.calls())[0] == 900.0


def test_a_hanging_renewal_ends_at_its_limit(desk: Desk) -> None:
    """A PUT without an answer is cancelled after 10 seconds, and tried again 5 seconds later."""
    desk.ask()
    desk.network.answer("PUT", HANG, FINE)
    desk.calls()
    desk.news()
    desk.clock.advance(1400)

    assert spacing(desk.calls())[0] == 15.0
    assert desk.kinds() == ["LeaseExtended"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_stopping_does_not_wait_for_a_call(desk: Desk, method: str) -> None:
    """The thread ends at once although a call hangs; the fixture's crew joins it without any time passing."""
    desk.network.answer(method, HANG)
    desk.keeper.ask(1)
    desk.clock.settle(2)

    assert desk.clock.monotonic() == 1000.0


def test_the_key_is_not_given_back_by_itself(clock: FakeClock, network: FakeNetwork) -> None:
    """The key is the account's: at the end it is left alone."""
    with Crew("futures-stream/test", clock) as crew:
        desk = Desk(clock, network, crew)
        crew.start("rest", desk.thread.run, desk.thread.wake)
        desk.ask()

    assert "DELETE" not in [called.method for called in network.calls]


@pytest.mark.parametrize("held", [True, False])
def test_the_key_is_given_back_on_request(clock: FakeClock, network: FakeNetwork, held: bool) -> None:
    """Who asks for it gets it deleted at the end, if there is one."""
    with Crew("futures-stream/test", clock) as crew:
        desk = Desk(clock, network, crew, release=True)
        crew.start("rest", desk.thread.run, desk.thread.wake)
        if held:
            desk.ask()

    assert [called.method for called in network.calls if called.method == "DELETE"] == ["DELETE"] * held


def test_a_release_that_fails_holds_up_nothing(clock: FakeClock, network: FakeNetwork) -> None:
    """A key that cannot be given back runs out by itself: the end does not fail because of it."""
    network.answer("DELETE", ConnectFailed("down"))
    with Crew("futures-stream/test", clock) as crew:
        desk = Desk(clock, network, crew, release=True)
        crew.start("rest", desk.thread.run, desk.thread.wake)
        desk.ask()


class StopsBehindTheLook:
    """A stop flag that goes up right behind somebody's first look at it."""

    def __init__(self, clock: FakeClock) -> None:
        self._flag = clock.event()
        self.wake: Callable[[], None] | None = None

    def is_set(self) -> bool:
        """Tell what was true a moment ago."""
        before = self._flag.is_set()
        if self.wake is not None and not before:
            self._flag.set()
            self.wake()
        return before

    def set(self) -> None:
        """Raise the flag."""
        self._flag.set()

    def clear(self) -> None:
        """Lower the flag."""
        self._flag.clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the flag."""
        return self._flag.wait(timeout)


def test_a_stop_between_look_and_wait_is_heard(clock: FakeClock, network: FakeNetwork) -> None:
    """The thread ends even if it is told to right after it has looked whether it should."""
    with Crew("futures-stream/test", clock) as crew:
        desk = Desk(clock, network, crew)
        flag = StopsBehindTheLook(clock)
        crew.stopping = flag
        desk = Desk(clock, network, crew)
        flag.wake = desk.thread.wake
        crew.start("rest", desk.thread.run, lambda: None)

        crew.join(2)


def test_three_keys_in_a_row(desk: Desk) -> None:
    """A key that changes again and again is followed each time."""
    desk.ask()
    for key in (KEY_2, KEY_3, KEY_1):
        desk.network.answer("PUT", code_answer(3022), FINE)
        desk.network.answer("POST", key_answer(key))
        desk.news()
        desk.clock.advance(1320)
        (replaced,) = [news for news in desk.news() if isinstance(news, LeaseReplaced)]
        assert replaced.key.reveal() == key


def test_news_hide_the_key(desk: Desk) -> None:
    """Nothing that is posted shows the listen key."""
    desk.ask()

    assert KEY_1 not in repr(desk.news())
    assert "LeaseConfirmed" in repr(LeaseConfirmed())
    assert isinstance(LeaseAtRisk(ConnectFailed("x"), 0).error, ConnectFailed)


def test_requests_carry_both_headers(desk: Desk) -> None:
    """Every call is authorized, and its repr shows nothing of it."""
    desk.ask()

    for called in desk.calls():
        request: Request = called.request
        assert set(request.headers) >= {"Authorization", "x-api-key"}
        assert BITMUSA.api_key.reveal() not in repr(request)


@pytest.fixture
def comparing(clock: FakeClock, network: FakeNetwork) -> Iterator[Desk]:
    """A keeper that looks every five minutes whether its key is still the account's."""
    with Crew("futures-stream/test", clock) as crew:
        desk = Desk(clock, network, crew, compare_every=300.0)
        crew.start("rest", desk.thread.run, desk.thread.wake)
        clock.settle(1)
        yield desk
    desk.errands.close(1)


def test_the_key_is_compared_on_a_timer(comparing: Desk, clock: FakeClock) -> None:
    """A PUT names no key, so every five minutes, give or take a tenth, POST tells whether ours is still the one."""
    comparing.ask()
    comparing.calls()
    clock.advance(HOUR)
    posts = [called for called in comparing.calls() if called.request.method == "POST"]

    assert all(270 <= seconds <= 330 for seconds in spacing(posts))
    assert len(posts) >= 10
    assert "LeaseReplaced" not in comparing.kinds()


def test_a_key_that_others_replaced_is_found_out(comparing: Desk, clock: FakeClock, network: FakeNetwork) -> None:
    """Although every PUT succeeds, the account's key is another one: it is told once, and kept alive from then on."""
    comparing.ask()
    comparing.news()
    network.answer("POST", key_answer(KEY_2))
    clock.advance(HOUR)
    news = comparing.news()

    replaced = [told for told in news if isinstance(told, LeaseReplaced)]
    assert [told.key.reveal() for told in replaced] == [KEY_2]


def test_a_comparison_that_fails_is_made_again_soon(comparing: Desk, clock: FakeClock, network: FakeNetwork) -> None:
    """REST that does not answer proves nothing; it is asked again within a minute or so."""
    comparing.ask()
    comparing.calls()
    network.answer("POST", ConnectFailed("down"), ConnectFailed("down"), key_answer(KEY_1))
    clock.advance(600)
    posts = [called for called in comparing.calls() if called.request.method == "POST"]

    assert all(54 <= seconds <= 66 for seconds in spacing(posts)[:2])
    assert "LeaseReplaced" not in comparing.kinds()


def test_credentials_that_are_refused_in_a_comparison_are_fatal(
    comparing: Desk, clock: FakeClock, network: FakeNetwork
) -> None:
    """A key that is revoked is told as soon as it is seen."""
    comparing.ask()
    comparing.news()
    network.answer("POST", code_answer(1001))
    clock.advance(400)
    refused = [told for told in comparing.news() if isinstance(told, LeaseRefused)]

    assert isinstance(refused[0].error, LoginRejected)


def test_a_machine_that_slept_knows_that_the_key_is_old(comparing: Desk, clock: FakeClock) -> None:
    """After two hours of sleep the key is extended and compared at once, whatever monotonic time says."""
    comparing.ask()
    comparing.calls()
    clock.suspend(2 * HOUR)
    comparing.keeper.look()
    clock.settle(1)

    assert [called.request.method for called in comparing.calls()] == ["PUT", "POST"]


def test_a_wall_clock_set_back_renews_in_time_all_the_same(desk: Desk, clock: FakeClock) -> None:
    """Monotonic time counts as well: no renewal is missed."""
    desk.ask()
    desk.calls()
    clock.jump(-DAY)
    clock.advance(HOUR)

    assert len([called for called in desk.calls() if called.request.method == "PUT"]) >= 2


def test_a_wall_clock_set_forward_costs_one_renewal(desk: Desk, clock: FakeClock) -> None:
    """A key that may be old is extended early; there is no storm of calls."""
    desk.ask()
    desk.calls()
    clock.jump(DAY)
    desk.keeper.look()
    clock.advance(HOUR)

    assert 3 <= len(desk.calls()) <= 5
