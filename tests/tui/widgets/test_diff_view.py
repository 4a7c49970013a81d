from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from orch_tui.tui.widgets.diff_view import DiffView, open_patch
from tests.tui.screen_text import screen_text


class Viewer(App[None]):
    def compose(self) -> ComposeResult:
        yield DiffView()

    @property
    def view(self) -> DiffView:
        return self.query_one(DiffView)


def large(lines: int) -> bytes:
    return b"diff --git a/big b/big\n@@ -0,0 +1,%d @@\n" % lines + b"".join(b"+line %d\n" % i for i in range(lines))


async def test_first_screen_is_there_before_the_end_was_read(tmp_path: Path) -> None:
    patch = tmp_path / "big.diff"
    patch.write_bytes(large(300_000))
    app = Viewer()
    async with app.run_test(size=(60, 10)) as pilot:
        app.view.show(open_patch(str(patch)))
        assert not app.view.patch.complete
        await pilot.pause()
        assert "+ line 3" in screen_text(app.export_screenshot())
        for _ in range(500):
            if app.view.patch.complete:
                break
            await asyncio.sleep(0.01)
        await pilot.pause()
        app.view.focus()
        await pilot.press("G")
        await pilot.pause()
        assert "300000 + line 299999" in screen_text(app.export_screenshot())


async def test_long_lines_scroll_sideways(tmp_path: Path) -> None:
    app = Viewer()
    async with app.run_test(size=(40, 8)) as pilot:
        app.view.show(b"diff --git a/x b/x\n@@ -1 +1 @@\n+" + b"a" * 60 + b"END\n")
        app.view.focus()
        await pilot.pause()
        assert "END" not in screen_text(app.export_screenshot())
        await pilot.press(*["right"] * 6)
        await pilot.pause()
        assert "END" in screen_text(app.export_screenshot())


async def test_empty_patch_says_so() -> None:
    app = Viewer()
    async with app.run_test(size=(40, 8)) as pilot:
        app.view.show(b"")
        await pilot.pause()
        assert "No changes." in screen_text(app.export_screenshot())


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    (tmp_path / "patch").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic"):
        open_patch(str(tmp_path / "patch"))


def test_an_empty_file_is_an_empty_patch(tmp_path: Path) -> None:
    (tmp_path / "patch").touch()
    assert len(open_patch(str(tmp_path / "patch"))) == 0
