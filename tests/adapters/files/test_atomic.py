from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from orch_tui.adapters.files.atomic import write_atomic
from orch_tui.model.errors import StorageError


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "status.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two", mode=0o755)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


def test_a_new_file_is_private(tmp_path):
    write_atomic(tmp_path / "key", b"k")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_link_at_the_target_is_replaced_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    link = tmp_path / "link"
    link.symlink_to(outside)
    write_atomic(link, b"new")
    assert outside.read_bytes() == b"precious"
    assert link.read_bytes() == b"new"
    assert not link.is_symlink()


def test_a_refusal_names_the_file_and_leaves_nothing_behind(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(StorageError) as error:
        write_atomic(target, b"x")
    assert str(target) in error.value.detail
    assert [entry.name for entry in tmp_path.iterdir()] == ["target"]
    with pytest.raises(StorageError):
        write_atomic(tmp_path / "missing" / "file", b"x")


def test_names_with_odd_bytes(tmp_path):
    for name in ("-rf", "a b\n'\"", "ü", os.fsdecode(b"\xff"), "n" * 250):
        write_atomic(tmp_path / name, name.encode(errors="surrogateescape"))
        assert (tmp_path / name).read_bytes() == os.fsencode(name)


def test_a_reader_never_sees_a_part(tmp_path):
    path = tmp_path / "status.json"
    write_atomic(path, b"0" * 10_000)
    torn = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            data = Path(path).read_bytes()
            if len(data) != 10_000 or len(set(data)) != 1:
                torn.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        write_atomic(path, b"%d" % (number % 10) * 10_000)
    ended.set()
    reader.join()
    assert not torn
