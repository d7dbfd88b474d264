"""A machine whose clock is wrong: what is signed, and asked for, goes by the server's time, as its answer tells it."""

import pytest

from futures_stream import Bitmusa, Execution, LoginRejected, Resynced, open_stream
from futures_stream.dialects import BitmusaRest
from futures_stream.simulator import Simulator

SOON = 60.0  # seconds; back-off may draw up to thirty of them


@pytest.mark.parametrize("seconds", [120.0, -7200.0])
def test_a_wrong_clock_is_corrected(seconds: float) -> None:
    """The first login is refused, the second accepted, and every later one too, at once."""
    with Simulator(seed=1) as sim:
        sim.skew(seconds)
        asked = {"credentials": sim.credentials("bitget"), "endpoints": sim.endpoints("bitget")}
        with open_stream("bitget", timeout=30, **asked) as stream:
            assert stream.status.connects == 2
            sim.drop("bitget")
            stream.wait_for(lambda record: type(record).__name__ == "Live", 30)
            assert stream.status.connects == 3


def test_a_wrong_key_is_not_taken_for_a_wrong_clock() -> None:
    """It is tried once."""
    with Simulator(seed=1) as sim:
        sim.refuse_login("bitget")
        with pytest.raises(LoginRejected):
            open_stream("bitget", sim.credentials("bitget"), endpoints=sim.endpoints("bitget"))


@pytest.mark.parametrize("seconds", [0.0, -600.0, 600.0, -7200.0])
@pytest.mark.parametrize("exchange", ["bitmusa", "bitget-v2"])
def test_a_wrong_clock_loses_no_execution_in_a_gap(exchange: str, seconds: float) -> None:
    """The question what was executed since goes by the exchange's clock: all of the gap comes, and little before it."""
    dialect = Bitmusa(rest=BitmusaRest(position_when_closing="side")) if exchange == "bitmusa" else exchange
    symbols = ["BTCUSDT", "ETHUSDT", "XRPUSDT"] if exchange == "bitmusa" else None
    with Simulator(seed=5, tick=None) as sim:
        sim.skew(seconds)
        asked = {"credentials": sim.credentials(exchange), "endpoints": sim.endpoints(exchange), "symbols": symbols}
        with open_stream(dialect, timeout=SOON, **asked) as stream:
            sim.stop_accepting()
            sim.drop(exchange)
            stream.wait_state("backing_off", SOON)
            known = {each.trade_id for each in sim.books(exchange).executions}
            sim.step(6)
            missed = {each.trade_id for each in sim.books(exchange).executions} - known
            sim.resume_accepting()
            stream.wait_for(lambda record: isinstance(record, Resynced), SOON)
        told = {record.trade_id for record in stream.queue if isinstance(record, Execution)}

    assert missed
    assert missed <= told
