"""The meter's process: joins ledger, proxy, control and, when asked for, the stand-in. It loads nothing else.

`run_meter` is `orch-tui meter`, `run_standin` the stand-in alone. The real key comes as one line on standard input;
one line goes out on standard output when the meter serves, or why it cannot.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from orch_tui.adapters.files.lock import FileLock
from orch_tui.adapters.paths import StatePaths, publish_socket, short_socket
from orch_tui.adapters.secrecy import keep_private
from orch_tui.meter import wire
from orch_tui.meter.control import Control
from orch_tui.meter.ledger import Ledger
from orch_tui.meter.loopback import address, bind, serve
from orch_tui.meter.plays import Plays, read_plays
from orch_tui.meter.pricing import price
from orch_tui.meter.proxy import Proxy
from orch_tui.meter.standin import Standin
from orch_tui.model.errors import ConfigError, EnvironmentProblem, OrchError

SIMULATED = "simulated"
PORT_SECONDS = 60.0
PORT_PAUSE = 0.25
LOCK_SECONDS = 2.0

log = logging.getLogger("orch_tui.meter")


class Options(Struct, frozen=True):
    """What a meter is started with."""

    state: Path
    upstream: str
    linger: float
    zone: str = "UTC"
    port_seconds: float = PORT_SECONDS
    """How long the port of the meter before is waited for."""


def run_meter(
    state: Path, *, upstream: str, linger: float, zone: str = "UTC", port_seconds: float = PORT_SECONDS
) -> int:
    """Runs the meter of a state directory until nobody needs it; returns the exit code."""
    options = Options(state.absolute(), upstream, linger, zone, port_seconds)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    keep_private()
    key = sys.stdin.readline().strip()
    try:
        with FileLock(StatePaths(options.state).meter_lock, what="the meter of this mission", timeout=LOCK_SECONDS):
            asyncio.run(_meter(options, key))
    except OrchError as error:
        _say(wire.failed(error))
        log.error("%s", error)  # noqa: TRY400 - the message says it all, and a traceback may quote a token
        return error.exit_code
    return 0


def run_standin(port: int, plays: Path | None = None) -> int:
    """Runs the offline stand-in alone on a port of this machine until it is interrupted; returns the exit code."""
    known = read_plays(plays) if plays is not None else {}
    asyncio.run(_standin_alone(port, known))
    return 0


async def _standin_alone(port: int, plays: Plays) -> None:
    over = asyncio.Event()
    _on_signals(over.set)
    sock = bind(port)
    runner = await serve(Standin(plays).app(), sock)
    sys.stdout.write(f"{address(sock)}\n")
    sys.stdout.flush()
    try:
        await over.wait()
    finally:
        await runner.cleanup()


async def _meter(options: Options, key: str) -> None:
    paths = StatePaths(options.state)
    with contextlib.closing(Ledger(paths.ledger, time.time(), _zone(options.zone))) as ledger:
        if ledger.settled_at_start:
            log.warning("settled %d requests that the meter before left open", ledger.settled_at_start)
        if key:
            ledger.remember_first(f"key {wire.fingerprint(key)}", datetime.now(UTC).isoformat())
        async with _upstream(options.upstream) as upstream:
            await _serve(options, key, ledger, upstream)


async def _serve(options: Options, key: str, ledger: Ledger, upstream: str) -> None:
    """Serves agents and clients until the control says that it is over."""
    simulated = _plays_path(options.upstream) is not None
    proxy = Proxy(ledger, upstream, key, simulated=simulated)
    sock = await _same_port(ledger, options.port_seconds)
    url = address(sock)

    def status() -> wire.MeterStatus:
        return wire.MeterStatus(
            url=url,
            pid=os.getpid(),
            ledger_id=ledger.ledger_id,
            upstream=options.upstream,
            zone=options.zone,
            key=wire.fingerprint(key),
            simulated=simulated,
            in_flight=proxy.in_flight,
        )

    runner = await serve(proxy.app(), sock)
    price("", {}, time.time())  # the first price takes 30 ms; no request should wait for it
    try:
        control = Control(ledger, status)
        _on_signals(control.stop)
        async with control.serving(_socket_path(options.state)):
            log.info("serving at %s for %s, process %d", url, options.upstream, os.getpid())
            _say(status())
            await control.ended(options.linger)
            await runner.cleanup()
    finally:
        await runner.cleanup()
        log.info("ended")


async def _same_port(ledger: Ledger, seconds: float) -> socket.socket:
    """Returns a socket on the port that agents know, waited for; another one if somebody keeps it."""
    port = int(ledger.recall("port") or 0)
    deadline = time.monotonic() + seconds
    while port:
        try:
            return bind(port)
        except EnvironmentProblem:
            if time.monotonic() >= deadline:
                log.warning("port %d is taken; agents that know it must be resumed", port)
                port = 0
            else:
                await asyncio.sleep(PORT_PAUSE)
    sock = bind()
    await asyncio.wrap_future(ledger.remember("port", str(sock.getsockname()[1])))
    return sock


@contextlib.asynccontextmanager
async def _upstream(name: str) -> AsyncIterator[str]:
    """Yields the base URL of the model API; `simulated` is a stand-in in this very process."""
    plays = _plays_path(name)
    if plays is None:
        if not name.startswith(("https://", "http://")):
            raise ConfigError("The upstream is no address", name, "Write a URL, or `simulated` for the stand-in.")
        yield name
        return
    sock = bind()
    runner = await serve(Standin(read_plays(Path(plays)) if plays else {}).app(), sock)
    try:
        yield address(sock)
    finally:
        await runner.cleanup()


def _plays_path(upstream: str) -> str | None:
    """Returns the file of plays of a simulated upstream, "" if it names none, None if the upstream is another."""
    name, _, plays = upstream.partition(":")
    return plays if name == SIMULATED else None


def _socket_path(state: Path) -> Path:
    """Returns where the control socket goes; a state directory that lies too deep gets a file that names it."""
    named = StatePaths(state).meter_sock
    path = short_socket(named, os.environ, os.getuid())
    named.unlink(missing_ok=True)
    publish_socket(named, path)
    return path


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise ConfigError("The time zone is not known", name, "Write an IANA name such as Europe/Berlin.") from problem


def _say(answer: wire.Answer) -> None:
    """Writes the one line that whoever started us waits for, then lets go of the pipe."""
    os.write(1, wire.line(answer))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="orch-tui meter")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--linger", type=float, default=600.0)
    parser.add_argument("--zone", default="UTC")
    parser.add_argument("--port-seconds", type=float, default=PORT_SECONDS)
    return run_meter(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
