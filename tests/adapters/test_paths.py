from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from orch_tui.adapters.paths import StatePaths, find_socket, mission_name, publish_socket, short_socket, state_paths
from orch_tui.model.errors import ConfigError, EnvironmentProblem
from orch_tui.model.ids import AgentId, RunNonce, StreamKey


def test_the_state_lies_in_the_users_state_directory_under_name_and_hash(tmp_path: Path) -> None:
    root = tmp_path / "My Repo"
    paths = state_paths(root, "", {"XDG_STATE_HOME": "/home/u/state"})
    assert paths.root.parent == Path("/home/u/state/orch-tui")
    assert paths.root.name.startswith("my-repo-")
    assert paths.root.name == mission_name(root)
    assert mission_name(tmp_path / "b" / "My Repo") != mission_name(root)


def test_a_relative_state_home_is_ignored(tmp_path: Path) -> None:
    assert state_paths(tmp_path, "", {"XDG_STATE_HOME": "state"}).root.is_absolute()


def test_the_state_can_be_put_elsewhere_but_not_into_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    assert state_paths(root, str(tmp_path / "s"), {}).root == (tmp_path / "s").resolve()
    assert state_paths(root, "../s", {}).root == (tmp_path / "s").resolve()
    for inside in ("state", ".", str(root), str(root / "a")):
        with pytest.raises(ConfigError, match="inside the repository"):
            state_paths(root, inside, {})
    with pytest.raises(ConfigError, match="cannot be used"):
        state_paths(root, "~nobody-of-this-name/x", {})


def test_odd_names_of_repositories_make_plain_directories(tmp_path: Path) -> None:
    for name in ["-x", "a b'\"\n", "数据", os.fsdecode(b"\xff\xfe")]:
        made = mission_name(tmp_path / name)
        assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert not made.startswith("-")


def test_everything_lies_below_the_root_and_nothing_is_made(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path / "state")
    fields = ["state_db", "audit", "git", "git_lock", "worktrees", "runs", "gates", "archive", "diffs", "bin", "ledger"]
    fields += [f"{host}_{kind}" for host in ("engine", "meter") for kind in ("lock", "sock", "log")]
    places = [getattr(paths, field) for field in fields]
    assert len(set(places)) == len(fields)
    assert {place.parent for place in places} == {paths.root}
    assert paths.worktree(StreamKey("api"), AgentId("api-1")) == paths.root / "worktrees" / "api" / "api-1"
    assert paths.run(AgentId("api-1"), RunNonce("n.1")) == paths.root / "runs" / "api-1" / "n.1"
    assert not paths.root.exists()


def test_a_path_that_fits_is_its_own_address() -> None:
    path = Path("/run/state/engine.sock")
    assert short_socket(path, {}, 1000) == path


def test_a_deep_path_gets_a_short_address_of_its_own() -> None:
    deep, other = Path("/" + "d" * 120 + "/engine.sock"), Path("/" + "e" * 120 + "/engine.sock")
    first = short_socket(deep, {"XDG_RUNTIME_DIR": "/run/user/1"}, 1)
    assert first.parent == Path("/run/user/1/orch-tui")
    assert first == short_socket(deep, {"XDG_RUNTIME_DIR": "/run/user/1"}, 1)
    assert first != short_socket(other, {"XDG_RUNTIME_DIR": "/run/user/1"}, 1)
    for odd in ({}, {"XDG_RUNTIME_DIR": "relative"}, {"XDG_RUNTIME_DIR": "/" + "r" * 120}):
        assert short_socket(deep, odd, 7).parent == Path("/tmp/orch-tui-7")


def test_a_published_address_is_found_and_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / "engine.sock"
    deep.parent.mkdir()
    runtime = Path("/tmp") / f"orch-t-{os.getpid()}-{abs(hash(str(tmp_path))) % 10**8}"
    runtime.mkdir(mode=0o700)
    address = short_socket(deep, {"XDG_RUNTIME_DIR": str(runtime)}, os.getuid())
    try:
        publish_socket(deep, address)
        assert find_socket(deep) == address
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(address))
        assert address.parent.stat().st_mode & 0o777 == 0o700
    finally:
        address.unlink(missing_ok=True)
        address.parent.rmdir()
        runtime.rmdir()


def test_a_socket_in_its_own_place_is_found_there(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    publish_socket(path, path)
    assert find_socket(path) == path
    assert not path.exists()


def test_a_run_time_directory_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    path, open_to_all = tmp_path / "engine.sock", tmp_path / "shared"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(EnvironmentProblem, match="not private"):
        publish_socket(path, open_to_all / "x.sock")
    path.write_text(str(open_to_all / "x.sock"))
    with pytest.raises(EnvironmentProblem, match="not private"):
        find_socket(path)


def test_a_link_in_place_of_the_run_time_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(EnvironmentProblem, match="not private"):
        publish_socket(tmp_path / "engine.sock", tmp_path / "link" / "x.sock")
