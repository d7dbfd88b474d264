"""The switches that make something go wrong with the simulated exchanges."""

from __future__ import annotations

from collections.abc import Iterable

from futures_stream.simulator import bitget, bitget_v2
from futures_stream.simulator.faults import Refusal
from futures_stream.simulator.sockets import How
from futures_stream.simulator.values import EXCHANGES, Exchange
from futures_stream.simulator.world import Line, World, flood_order


def named(exchange: Exchange | None) -> tuple[Exchange, ...]:
    """
    Spell out which exchanges are meant; None means all.

    Raises:
        ValueError: There is no such exchange.
    """
    if exchange is None:
        return EXCHANGES
    if exchange not in EXCHANGES:
        raise ValueError(f"no exchange {exchange!r}; there are {', '.join(EXCHANGES)}")
    return (exchange,)


class FaultControls:
    """
    The faults that can be caused on demand. Standing ones last until :meth:`heal`.

    Where a method takes *exchange*, None means all.

    Threads:
        Every method is callable from any thread; none of them blocks.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    # Connections

    def drop(self, exchange: Exchange | None = None, how: How = "rst", code: int = 1012) -> None:
        """
        End all connections: at once by a TCP reset, or after what is queued by a TCP end or a close frame with *code*.

        A half-open connection is dropped by a reset only.
        """
        if how not in ("rst", "fin", "close"):
            raise ValueError(f"how must be rst, fin or close, not {how!r}")
        for line in self._lines(exchange):
            line.connection.end(how, code)

    def half_open(self, exchange: Exchange | None = None) -> None:
        """
        Leave all connections hanging: nothing is read from them or written to them any more, not even a close.

        New connections work normally. :meth:`heal` resets those that hang, as a host that has restarted would.
        """
        for line in self._lines(exchange):
            line.connection.freeze()
        self._world.changed()

    def silent(self, exchange: Exchange | None = None) -> None:
        """
        Accept new connections but never say anything on them; those that are open already are not affected.

        Standing. What a silent connection was told is lost; after :meth:`heal` it speaks again.
        """
        with self._world.lock:
            self._world.faults.silent.update(named(exchange))

    def slow(self, exchange: Exchange | None = None, bytes_per_second: float | None = 1000.0) -> None:
        """Send no faster than *bytes_per_second* on each connection, open or new; None ends it. Standing."""
        if bytes_per_second is not None and not bytes_per_second > 0:
            raise ValueError("bytes_per_second must be positive")
        with self._world.lock:
            for each in named(exchange):
                self._world.faults.rates[each] = bytes_per_second
            for line in self._lines(exchange):
                line.connection.throttle(bytes_per_second)

    def stop_accepting(self, retry_after: float | None = None) -> None:
        """Answer new upgrade requests with HTTP 503, and ``Retry-After`` in seconds if given. Standing."""
        with self._world.lock:
            self._world.faults.accepting, self._world.faults.retry_after = False, retry_after

    def resume_accepting(self) -> None:
        """Answer upgrade requests again."""
        with self._world.lock:
            self._world.faults.accepting = True

    # Messages

    def send_text(self, exchange: Exchange | None, text: str) -> None:
        """Send *text* as one text frame on all connections, whatever it is."""
        for line in self._lines(exchange):
            line.connection.say(text)

    def garble(self, text: str = "{not json", exchange: Exchange | None = None) -> None:
        """Send something that no client can read, as a text frame."""
        self.send_text(exchange, text)

    def send_bytes(self, exchange: Exchange | None, raw: bytes, opcode: int | None = None) -> None:
        """
        Send *raw* on all connections.

        Args:
            exchange: Which exchange; None means all.
            raw: The bytes.
            opcode: Makes them the payload of a frame; without one they are written as they are, with no frame around.
        """
        for line in self._lines(exchange):
            line.connection.say_bytes(raw, opcode)

    def duplicate(self, exchange: Exchange | None = None) -> None:
        """Send the next event frame of each open connection twice."""
        with self._world.lock:
            for line in self._lines(exchange):
                line.duplicate = True

    def flood(self, exchange: Exchange | None = None, n: int = 1000) -> None:
        """
        Send *n* updates of one further order as fast as the peer reads, with a rising filled size.

        The order is on no books. On Bitget only connections that are subscribed to orders get them.
        """
        if n < 1:
            raise ValueError("n must be at least 1")
        with self._world.lock:
            for line in self._lines(exchange):
                line.connection.pour(line.session.flood(flood_order(n, self._world.server_ms()), n))

    # Refusals

    def refuse_login(self, code: str = "60001", times: int | None = None) -> None:
        """Refuse the next *times* Bitget logins (of both APIs) with the error *code*, or all (None). Standing."""
        with self._world.lock:
            self._world.faults.login = Refusal(code=code, left=times)

    def refuse_subscription(self, channel: str, code: str = "60004") -> None:
        """Refuse each Bitget subscription of *channel* with the error *code*. Standing."""
        known = tuple(dict.fromkeys((*bitget.CHANNELS, *bitget_v2.CHANNELS)))
        if channel not in known:
            raise ValueError(f"no channel {channel!r}; there are {', '.join(known)}")
        with self._world.lock:
            self._world.faults.channels[channel] = code

    def mute_acks(self) -> None:
        """Never acknowledge a Bitget subscription, though it counts and its pushes come. Standing."""
        with self._world.lock:
            self._world.faults.acks_muted = True

    def refuse_rest(
        self,
        code: int = 999,
        status: int = 200,
        times: int | None = None,
        retry_after: float | None = None,
        path: str | None = None,
    ) -> None:
        """
        Answer the next *times* REST calls, or all (None), with an error. Standing.

        One for a path stands beside the one for all, and goes before it.

        Args:
            code: The code in the body.
            status: The HTTP status.
            times: How many calls; None is all.
            retry_after: Seconds to put into ``Retry-After``; None leaves it out.
            path: Only calls to this resource, such as ``/future/wallet`` (Bitmusa's without the root) or
                ``/api/v2/mix/order/fills``; None is all.
        """
        with self._world.lock:
            refusal = Refusal(code=str(code), left=times, status=status, retry_after=retry_after)
            self._world.faults.rest[path] = refusal

    def stall_rest(self) -> None:
        """Accept REST calls but do not answer them before :meth:`heal`. Standing."""
        with self._world.lock:
            self._world.faults.rest_stalled = True

    def freeze_rest(self) -> None:
        """Let REST tell the accounts as they are now, whatever happens; not so the listen key. Standing."""
        self._world.freeze_rest()

    # Listen keys and time

    def expire_key(self, close: bool = False) -> None:
        """Let Bitmusa's listen key expire now: its connections go silent, or are closed with *close*."""
        self._world.expire_key(close)

    def replace_key(self) -> None:
        """
        Do as another program of the same account would: delete the listen key and make a new one.

        Connections of the old key are closed, as each deletion does.
        """
        self._world.replace_key()

    def skew(self, seconds: float) -> None:
        """Set the server's clock ahead of ours by *seconds*, in all times that it says or checks. Standing."""
        with self._world.lock:
            self._world.faults.skew = seconds

    def heal(self) -> None:
        """End all standing faults, and reset the connections that hang half open."""
        with self._world.lock:
            self._world.faults.heal()
            for line in self._world.lines():
                line.connection.heal()
        self._world.changed()

    def _lines(self, exchange: Exchange | None) -> Iterable[Line]:
        wanted = named(exchange)
        return [line for line in self._world.lines() if line.exchange in wanted]
