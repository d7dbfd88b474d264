"""
Watch the risk of an account: what is alerted, what is held right then, and what is left.

Run it with credentials in the environment, or with --simulated against the simulator.
"""

import sys

from futures_stream import RiskAlert, RiskCleared, RiskMonitor, open_stream
from futures_stream.simulator import Simulator

LIMITS = {"position_margin_ratio": 0.8, "unrealized_pnl": -0.5, "symbols": {"BTCUSDT": {"unrealized_pnl": "-0.25"}}}


def main(*who, **where):
    """Print alerts and the positions they are about; end when the first is over."""
    with open_stream("bitget", *who, monitors=[RiskMonitor(LIMITS)], **where) as stream:
        for record in stream:
            if isinstance(record, RiskAlert):
                print("ALERT", record.severity.value, record.symbol or record.asset, record.value, record.reason)
                for position in stream.positions.of(record.symbol, record.side):
                    print("  held:", position.side.value, position.size, "PnL", position.unrealized_pnl)
            elif isinstance(record, RiskCleared):
                print("over:", record.symbol or record.asset, record.reason)
                break
        print(len(stream.positions), "positions are left; all of them known:", stream.positions.trusted)


if __name__ == "__main__":
    if "--simulated" in sys.argv:
        with Simulator(tick=0.05) as simulator:
            main(simulator.credentials("bitget"), endpoints=simulator.endpoints("bitget"))
    else:
        main()
