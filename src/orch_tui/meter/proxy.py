"""The proxy that agents talk to: token to run, bytes unchanged both ways, every billable request in the ledger.

It holds the real key and puts it into requests on their way out; agents know only their token. Whatever happens to a
request, it is settled once.
"""

from __future__ import annotations

import asyncio
import hmac
import io
import re
import time
from collections.abc import Callable, Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from orch_tui.meter.booking import Booking
from orch_tui.meter.ledger import Grant, Ledger
from orch_tui.model.errors import StorageError

LARGEST_BODY = 64 << 20
MESSAGES = "v1/messages"
SIMULATED = "x-orch-simulated"
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=900)

_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"} | {
    *("te", "trailer", "transfer-encoding", "upgrade")
}
_OURS = _HOP_BY_HOP | {"host", "content-length", "expect", "x-api-key", "accept-encoding"}
_FREE = (
    ("POST", re.compile(r"v1/messages/count_tokens")),
    ("GET", re.compile(r"v1/models(/[A-Za-z0-9][A-Za-z0-9._:@-]*)?")),
)
_UNPASSED = "POST /v1/messages, /v1/messages/count_tokens and GET /v1/models are passed on; nothing else is"


class Proxy:
    """The HTTP application in front of the Messages API."""

    def __init__(
        self,
        ledger: Ledger,
        upstream: str,
        key: str,
        clock: Callable[[], float] = time.time,
        *,
        simulated: bool = False,
    ) -> None:
        """Makes a proxy that forwards to an upstream.

        Args:
            ledger: where requests are booked.
            upstream: the base URL of a Messages API.
            key: the real key; "" leaves agents their own credentials.
            clock: the present.
            simulated: the upstream is known to be a stand-in.
        """
        self._ledger = ledger
        self._upstream = upstream.rstrip("/")
        self._key = key
        self._clock = clock
        self._simulated = simulated
        self._session: aiohttp.ClientSession | None = None
        self.in_flight = 0

    def app(self) -> web.Application:
        """Returns the application; it holds a client session while it runs."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/r/{token}/{path:.*}", self._handle)
        app.router.add_route("*", "/{path:.*}", _unknown)
        app.on_startup.append(self._open_session)
        app.on_cleanup.append(self._close_session)
        return app

    async def _open_session(self, _app: web.Application) -> None:
        self._session = aiohttp.ClientSession(
            timeout=TIMEOUT,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        )

    async def _close_session(self, _app: web.Application) -> None:
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        token = request.match_info["token"]
        grant = self._ledger.holder(token)
        if grant is None:
            return await _unknown(request)
        path = request.match_info["path"]
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return refusal(413, "request_too_large", f"the request is larger than {LARGEST_BODY >> 20} MiB")
        headers = self._headers(request, token)
        if (request.method, path) == ("POST", MESSAGES):
            return await self._billed(request, grant, body, headers)
        if any(request.method == method and allowed.fullmatch(path) for method, allowed in _FREE):
            return await self._passed(request, path, body, headers, None)
        return refusal(403, "permission_error", _UNPASSED)

    async def _billed(
        self, request: web.Request, grant: Grant, body: bytes, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        booking = Booking(self._ledger, grant, body, self._clock, simulated=self._simulated)
        self.in_flight += 1
        try:
            await asyncio.shield(asyncio.wrap_future(booking.open()))
            booking.leave()
            return await self._passed(request, MESSAGES, body, headers, booking)
        except StorageError as problem:
            return refusal(503, "api_error", f"{problem}. The request did not leave")
        finally:
            self.in_flight -= 1
            booking.settle()

    async def _passed(
        self, request: web.Request, path: str, body: bytes, headers: CIMultiDict[str], booking: Booking | None
    ) -> web.StreamResponse:
        """Forwards a request and its answer; an upstream that breaks off breaks our answer off as well."""
        if self._session is None:
            raise web.HTTPServiceUnavailable
        query = request.rel_url.raw_query_string
        url = URL(f"{self._upstream}/{path}" + (f"?{query}" if query else ""), encoded=True)
        out: web.StreamResponse | None = None
        try:
            async with self._session.request(
                request.method, url, data=io.BytesIO(body) if body else None, headers=headers, allow_redirects=False
            ) as answer:
                out = _answer_head(answer)
                if booking is not None:
                    simulated = answer.headers.get(SIMULATED) == "1"
                    booking.answered(answer.status, answer.content_type, simulated=simulated)
                await _pass_on(request, answer, out, booking)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            if booking is not None:
                booking.unreached()
            return refusal(502, "api_error", f"the model API cannot be reached: {problem}")
        except (aiohttp.ClientError, TimeoutError) as problem:
            return _broken(request, out, problem)
        return out

    def _headers(self, request: web.Request, token: str) -> CIMultiDict[str]:
        """Returns the request's headers for the upstream: the real key in, our token out, the rest as it came."""
        named = {name.strip().lower() for name in request.headers.get("connection", "").split(",")}
        headers: CIMultiDict[str] = CIMultiDict()
        for name, value in request.headers.items():
            if name.lower() not in _OURS and name.lower() not in named:
                headers.add(name, value)
        _, _, bearer = headers.get("authorization", "").partition(" ")
        if hmac.compare_digest(bearer.strip().encode(), token.encode()):
            del headers["authorization"]
        headers["accept-encoding"] = "identity"
        if self._key and "authorization" not in headers:
            headers["x-api-key"] = self._key
        return headers


async def _pass_on(
    request: web.Request, answer: aiohttp.ClientResponse, out: web.StreamResponse, booking: Booking | None
) -> None:
    """Passes an answer's bytes on as they come: read first, since a write may be the last thing that happens."""
    try:
        await out.prepare(request)
        async for chunk in answer.content.iter_any():
            if booking is not None:
                booking.feed(chunk)
            await out.write(chunk)
        await out.write_eof()
    except (ConnectionResetError, aiohttp.ClientConnectionResetError):
        if answer.content.exception() is not None:
            raise


def _answer_head(answer: aiohttp.ClientResponse) -> web.StreamResponse:
    named = {name.strip().lower() for name in answer.headers.get("connection", "").split(",")}
    out = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in answer.headers.items():
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named:
            out.headers.add(name, value)
    return out


def _broken(request: web.Request, out: web.StreamResponse | None, problem: Exception) -> web.StreamResponse:
    """Ends an exchange whose upstream broke off: an error before the answer began, a cut after."""
    if out is None or not out.prepared:
        return refusal(502, "api_error", f"the model API broke off: {problem or type(problem).__name__}")
    if request.transport is not None:
        request.transport.abort()
    return out


async def _unknown(_request: web.Request) -> web.StreamResponse:
    return refusal(401, "authentication_error", "this token is not known; the run that it stood for has ended")


def refusal(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Returns an error in the shape that clients of the Messages API read."""
    body = {"type": "error", "error": {"type": kind, "message": f"orch-tui: {message}"}}
    return web.json_response(body, status=status, headers=headers)
