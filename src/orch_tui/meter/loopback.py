"""HTTP on this machine only: binds 127.0.0.1 and serves an application there."""

from __future__ import annotations

import socket

from aiohttp import web

from orch_tui.model.errors import EnvironmentProblem

HOST = "127.0.0.1"
SECONDS_TO_END = 1.0
BACKLOG = 512


def bind(port: int = 0) -> socket.socket:
    """Returns a listening socket on loopback; port 0 takes any free one.

    Raises:
        EnvironmentProblem: the port cannot be had.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.listen(BACKLOG)
    except OSError as problem:
        sock.close()
        raise EnvironmentProblem(
            f"Port {port} on loopback cannot be used", str(problem), "End the program that holds it, or try again."
        ) from problem
    return sock


def address(sock: socket.socket) -> str:
    """Returns the URL under which a bound socket is reached."""
    return f"http://{HOST}:{sock.getsockname()[1]}"


async def serve(app: web.Application, sock: socket.socket) -> web.AppRunner:
    """Serves an application until its runner is cleaned up.

    A handler is cancelled when its client goes away, and nothing is logged: tokens stand in the paths. Bodies are not
    unpacked, so that they can be forwarded as they came.
    """
    runner = web.AppRunner(
        app, handler_cancellation=True, access_log=None, auto_decompress=False, shutdown_timeout=SECONDS_TO_END
    )
    await runner.setup()
    await web.SockSite(runner, sock).start()
    return runner
