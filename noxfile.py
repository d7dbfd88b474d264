"""Longer checks than CI's: every Python that is installed, the oldest dependencies, faults by the thousand, a soak."""

import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "oldest"]
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
OLDEST = ("websocket-client==1.8.0", "requests==2.33.0", "attrs==23.2.0")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the suite, with and without the fast decoder."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)
    session.run("pip", "uninstall", "--yes", "msgspec", silent=True)
    session.run("pytest", "tests/dialects", "tests/cli", *session.posargs)


@nox.session(python="3.10")
def oldest(session: nox.Session) -> None:
    """Run the suite on the oldest versions that setup.cfg allows."""
    session.install(".[test]", *OLDEST)
    session.run("pytest", *session.posargs)


@nox.session
def autobahn(session: nox.Session) -> None:
    """Run the Autobahn testsuite's fuzzing server against the transport; it needs a Python 2.7."""
    suite = Path(session.create_tmp()) / "suite"
    if not (suite / "bin" / "wstest").exists():
        session.install("virtualenv<20.22")  # the last that makes environments for Python 2.7
        session.run("virtualenv", "--python", session.posargs[0] if session.posargs else "python2.7", str(suite))
        session.run(str(suite / "bin" / "pip"), "install", "autobahntestsuite==0.8.2", external=True)
    session.install(".")
    session.run("python", "-m", "tests.autobahn", str(suite / "bin" / "wstest"))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style."""
    session.install("ruff>=0.8")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install(".[dev]")
    session.run("mypy")


@nox.session
def faults(session: nox.Session) -> None:
    """Play every fault with both exchanges, again and again, and reconnect thousands of times; under 15 minutes."""
    session.install(".[test]")
    session.run("pytest", "tests/faults", "tests/whole", *session.posargs, env={"FUTURES_STREAM_FULL": "1"})


@nox.session(python=PYTHONS)
@nox.parametrize("exchange", ["bitget", "bitmusa"])
def fresh_tls(session: nox.Session, exchange: str) -> None:
    """Open a thousand fresh TLS connections under concurrent commands: ssl differs from Python to Python."""
    session.install(".[test]")
    session.run(
        "python", "-X", "faulthandler", "-m", "tests.faults.fresh_tls", exchange, *(session.posargs or ["1000"])
    )


@nox.session
def soak(session: nox.Session) -> None:
    """Trade for an hour (FUTURES_STREAM_SOAK seconds) through a hostile network; memory stays flat."""
    session.install(".[test]")
    session.run("python", "-m", "tests.faults.soak", *session.posargs)


@nox.session
def flaky(session: nox.Session) -> None:
    """Run the suite over and over, both cores busy and its threads restless; a test that fails once is a defect."""
    session.install(".[test]")
    rounds = int(session.posargs[0]) if session.posargs else 10
    busy = [shutil.which("sh") or "sh", "-c", "while :; do :; done"]
    import subprocess

    loads = [subprocess.Popen(busy) for _ in range(2)]
    try:
        for seed in range(rounds):
            session.run("pytest", "-q", "-p", "tests.unrest", env={"FUTURES_STREAM_SEED": str(seed)})
    finally:
        for load in loads:
            load.terminate()
