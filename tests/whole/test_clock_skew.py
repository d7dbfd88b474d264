"""A machine whose clock is wrong: the login is signed with the server's time, as its answer to the upgrade tells it."""

import pytest

from futures_stream import LoginRejected, open_stream
from futures_stream.simulator import Simulator


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
