"""Whole lines out of chunks of bytes, with a cap on the length of one; no IO.

Whoever follows a stream of bytes feeds this instead of calling `readline`, which fails past 64 KiB.
"""

from __future__ import annotations

DEFAULT_CAP = 1024 * 1024


class LineSplitter:
    """Splits a stream of bytes into lines and never holds more than `cap` bytes of one.

    Args:
        cap: a longer line is cut to its first `cap` bytes; the rest is counted in `dropped`.
    """

    def __init__(self, cap: int = DEFAULT_CAP) -> None:
        self._cap = cap
        self._parts: list[bytes] = []
        self._held = 0
        self._pending = 0
        self._dropped = 0

    @property
    def pending(self) -> int:
        """Bytes fed since the last newline: a restart reads on from this many before the end."""
        return self._pending

    @property
    def dropped(self) -> int:
        """Bytes that the cap has cut off so far."""
        return self._dropped

    def feed(self, chunk: bytes) -> list[bytes]:
        """Takes the next bytes and returns the lines that they complete, without their line ends."""
        lines = []
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._hold(chunk[start:end])
            lines.append(self._line())
            start = end + 1
        self._hold(chunk[start:])
        return lines

    def finish(self) -> list[bytes]:
        """Returns the last line if the stream ended without a newline, and starts afresh."""
        return [self._line()] if self._pending else []

    def _hold(self, part: bytes) -> None:
        room = self._cap - self._held
        kept = part[:room]
        if kept:
            self._parts.append(kept)
        self._held += len(kept)
        self._pending += len(part)
        self._dropped += len(part) - len(kept)

    def _line(self) -> bytes:
        line = b"".join(self._parts)
        self._parts.clear()
        self._held = self._pending = 0
        return line.removesuffix(b"\r")
