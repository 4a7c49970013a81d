"""Files that grow under a stranger's hand, followed by offset: notes, output, anything an agent appends to.

A tail never waits and never follows a link; it holds no descriptor between calls, so a thousand of
them cost nothing but memory. Bytes become text only through `decode_page`, which makes them harmless.
"""

from __future__ import annotations

import codecs
import errno
import os
from pathlib import Path

import msgspec

from orch_tui.adapters.files import beneath
from orch_tui.model.errors import StorageError
from orch_tui.model.plain import without_sequences
from orch_tui.model.verbs import Page

PAGE_CAP = 256 * 1024
"""A page holds at most this many bytes, whatever was asked for."""

LINE_CAP = 4_000
"""A line of a page shows at most this many characters."""

_ANCHOR = 64
"""So many bytes before the known end tell whether a longer file is the same one: inode numbers are used again."""


class Growth(msgspec.Struct, frozen=True):
    """A file is not what it was: it reaches `size` bytes now, and if it `restarted` nothing read before is in it."""

    size: int
    restarted: bool = False


class Tail:
    """One followed file.

    Args:
        path: the file; it need not exist yet.
        root: a directory of ours above it; names between the two may not be links either.
        offset: how far it was read before, by an engine that is gone.
    """

    def __init__(self, path: Path, *, root: Path | None = None, offset: int = 0) -> None:
        self.path = path
        self._root = root or path.parent
        self._below = path.parent.relative_to(self._root).parts
        self._size = offset
        self._identity: tuple[int, int] | None = None
        self._stamp: tuple[int, int, int, int] | None = None
        self._anchor = b""
        self._refused = ""

    @property
    def size(self) -> int:
        """The size that `grown` saw last."""
        return self._size

    @property
    def refused(self) -> str:
        """Why the file is not read ("it is a symbolic link"); empty where it is, or is not there yet."""
        return self._refused

    def grown(self) -> Growth | None:
        """Returns how far the file reaches if that changed since the last call; one `stat` where it did not."""
        try:
            stamp = _stamp(os.lstat(self.path))
        except OSError:
            return None
        if stamp == self._stamp:
            return None
        descriptor = self._open()
        if descriptor is None:
            self._stamp = stamp
            return None
        try:
            return self._compare(descriptor)
        finally:
            os.close(descriptor)

    def read(self, offset: int, size: int) -> bytes:
        """Returns at most `size` bytes from `offset`, fewer at the end or past `PAGE_CAP`; nothing if refused."""
        descriptor = self._open()
        if descriptor is None:
            return b""
        try:
            return os.pread(descriptor, max(0, min(size, PAGE_CAP)), max(0, offset))
        finally:
            os.close(descriptor)

    def page(self, offset: int, size: int) -> Page:
        """Returns a page from `offset` as harmless text; the next one starts at its `next`.

        It ends after a whole line where there is one and more follows, and never inside a character.
        """
        descriptor = self._open()
        if descriptor is None:
            return Page(text="", offset=offset, next=offset, size=0)
        try:
            offset = max(0, offset)
            whole = os.fstat(descriptor).st_size
            data = os.pread(descriptor, max(0, min(size, PAGE_CAP)), offset)
        finally:
            os.close(descriptor)
        data = _whole_part(data, last=offset + len(data) >= whole)
        return Page(text=decode_page(data), offset=offset, next=offset + len(data), size=whole)

    def last_page(self, size: int) -> Page:
        """Returns the end of the file, from the start of a line where one starts within `size` bytes."""
        whole = self._whole_size()
        start = max(0, whole - max(1, min(size, PAGE_CAP)))
        if start:
            head = self.read(start - 1, whole - start + 1)
            newline = head.find(b"\n")
            start += newline if 0 <= newline < len(head) - 1 else 0
        return self.page(start, whole - start)

    def _whole_size(self) -> int:
        descriptor = self._open()
        if descriptor is None:
            return 0
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def _open(self) -> int | None:
        """Opens the file, or notes why it may not be read."""
        try:
            with beneath.directory(self._root, *self._below) as directory:
                descriptor = beneath.open_file(self.path.name, directory=directory)
        except (FileNotFoundError, NotADirectoryError):
            self._refused = ""
            return None
        except StorageError as error:
            self._refused = error.detail
            return None
        except OSError as error:
            self._refused = _reason(error)
            return None
        self._refused = ""
        return descriptor

    def _compare(self, descriptor: int) -> Growth | None:
        status = os.fstat(descriptor)
        identity, size = (status.st_dev, status.st_ino), status.st_size
        restarted = self._replaced(descriptor, identity, size)
        changed = restarted or size != self._size
        self._stamp, self._identity, self._size = _stamp(status), identity, size
        if changed or not self._anchor:
            start = max(0, size - _ANCHOR)
            self._anchor = os.pread(descriptor, size - start, start)
        return Growth(size, restarted) if changed else None

    def _replaced(self, descriptor: int, identity: tuple[int, int], size: int) -> bool:
        if size < self._size or (self._identity is not None and identity != self._identity):
            return True
        return os.pread(descriptor, len(self._anchor), self._size - len(self._anchor)) != self._anchor


def decode_page(data: bytes) -> str:
    """Returns bytes as text that is safe to show.

    What is not UTF-8 becomes a replacement character, terminal sequences go, other controls become symbols,
    and of a line longer than `LINE_CAP` the rest is counted instead of shown.
    """
    text = without_sequences(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    if len(text) <= LINE_CAP:
        return text
    return "\n".join(line if len(line) <= LINE_CAP else _cut(line) for line in text.split("\n"))


def _cut(line: str) -> str:
    return f"{line[:LINE_CAP]}… ({len(line) - LINE_CAP:,} more characters)"


def _whole_part(data: bytes, *, last: bool) -> bytes:
    """Cuts a page after its last line, or at least after its last whole character; never to nothing."""
    if not last and (end := data.rfind(b"\n")) >= 0:
        return data[: end + 1]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    unfinished = len(decoder.getstate()[0])
    return data[: len(data) - unfinished] or data


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _reason(error: OSError) -> str:
    if error.errno in {errno.ELOOP, errno.EMLINK}:
        return "it is a symbolic link"
    return f"it cannot be read: {(error.strerror or str(error)).lower()}"
