"""Logging to a file, never to the terminal: the console owns that, and a command's output is data."""

from __future__ import annotations

import logging
import logging.handlers
import os
import time
from pathlib import Path

BYTES = 4 * 1024 * 1024
KEPT = 2
_FORMAT = "%(asctime)sZ %(process)d %(levelname)s %(name)s: %(message)s"


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A log file that its owner alone may read."""

    def _open(self):  # type: ignore[no-untyped-def]  # noqa: ANN202  as the standard library declares it
        return open(
            self.baseFilename,
            self.mode,
            encoding="utf-8",
            errors="backslashreplace",
            opener=lambda path, flags: os.open(path, flags, 0o600),
        )


def log_to(path: Path, level: int = logging.INFO) -> None:
    """Sends all logging of this process to a file that is kept short; replaces what was set up before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _PrivateFile(path, maxBytes=BYTES, backupCount=KEPT)
    formatter = logging.Formatter(_FORMAT)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it reports every batch of changes
    logging.captureWarnings(True)
