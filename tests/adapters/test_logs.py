from __future__ import annotations

import logging
import stat

import pytest

from orch_tui.adapters.logs import log_to


@pytest.fixture(autouse=True)
def as_before():
    handlers, level = list(logging.root.handlers), logging.root.level
    yield
    for handler in set(logging.root.handlers) - set(handlers):
        handler.close()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(False)


def test_the_log_is_a_private_file_that_takes_any_text(tmp_path):
    path = tmp_path / "state" / "engine.log"
    log_to(path)
    logging.getLogger("somewhere").warning("odd \udc80 name")
    logging.getLogger("somewhere").debug("too much")
    text = path.read_text()
    assert "WARNING somewhere: odd \\udc80 name" in text
    assert "too much" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
