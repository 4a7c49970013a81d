"""The diff of an agent or a stream: asked of the mission, mapped from its file, shown."""

from __future__ import annotations

from textual import work
from textual.message import Message

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import OrchError
from orch_tui.model.verbs import DiffFile, ReadDiff
from orch_tui.tui import look
from orch_tui.tui.widgets.diff_view import DiffView, open_patch


class DiffPane(DiffView):
    """A diff view that gets its patch from the mission; the newest request wins."""

    class Loaded(Message):
        """A diff is on the screen."""

        def __init__(self, pane: DiffPane, diff: DiffFile) -> None:
            super().__init__()
            self.pane = pane
            self.diff = diff

        @property
        def control(self) -> DiffPane:
            """Returns the pane."""
            return self.pane

    def __init__(self, mission: MissionVerbs, *, id: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(id=id)
        self._mission = mission
        self._asked: tuple[ReadDiff, str] | None = None
        self._diff: DiffFile | None = None

    @property
    def diff(self) -> DiffFile | None:
        """Returns the diff that is shown."""
        return self._diff

    def ask(self, verb: ReadDiff, version: str) -> None:
        """Shows that diff; again for the same version is the same as once."""
        if (verb, version) == self._asked:
            return
        if not self._asked or self._asked[0] != verb:
            self.say("Reading the diff …")
        self._asked, self._diff = (verb, version), None
        self._load(verb)

    def forget(self, words: str) -> None:
        """Shows words instead of a diff."""
        if self._asked or not self.patch.lines:
            self._asked, self._diff = None, None
            self.workers.cancel_group(self, "diff")
            self.say(words)

    @work(exclusive=True, group="diff", exit_on_error=False)
    async def _load(self, verb: ReadDiff) -> None:
        try:
            diff = await self._mission.do(verb)
            data = open_patch(diff.path)
        except OrchError as problem:
            self.say(str(problem), look.WARN)
        except OSError as problem:
            self.say(f"The diff cannot be read: {problem.strerror}", look.WARN)
        else:
            self._diff = diff
            self.show(data)
            self.post_message(self.Loaded(self, diff))
