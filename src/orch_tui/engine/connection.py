"""Lines over one Unix socket: whole ones in, whole ones out; used by both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from orch_tui.core.lines import LineSplitter
from orch_tui.engine.protocol import Reply, Request, encode
from orch_tui.model.errors import EngineAway

CHUNK = 256 * 1024


class Connection:
    """One end of a conversation; never holds more of a line than `cap` bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cap: int) -> None:
        self._reader = reader
        self._writer = writer
        self._cap = cap

    async def lines(self) -> AsyncIterator[bytes]:
        """Yields lines until the other side is gone.

        Raises:
            EngineAway: a line is longer than the cap.
        """
        splitter = LineSplitter(self._cap)
        while chunk := await self._read():
            for line in splitter.feed(chunk):
                if splitter.dropped:
                    break
                yield line
            if splitter.dropped:
                raise EngineAway("A line on the engine's socket is too long", f"more than {self._cap} bytes")

    async def send(self, message: Request | Reply) -> None:
        """Sends a message; returns when the other side keeps up, or is gone."""
        await self.send_line(encode(message))

    async def send_line(self, line: bytes) -> None:
        """Sends a message that is a line already."""
        if self._writer.is_closing():
            return
        try:
            self._writer.write(line)
            await self._writer.drain()
        except ConnectionError:
            self._writer.close()

    def close(self) -> None:
        """Ends the conversation after what was sent."""
        self._writer.close()

    def abort(self) -> None:
        """Ends the conversation at once."""
        self._writer.transport.abort()

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(CHUNK)
        except ConnectionError:
            return b""
