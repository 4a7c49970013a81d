"""The console: screens, theme and keys over a mission that it is handed."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar

from textual import work
from textual.app import App
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker, WorkerState

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.fleet import Fleet
from orch_tui.model.preview import Preview
from orch_tui.model.states import AgentState
from orch_tui.model.verbs import Merge, Rollback, Stop, Verb
from orch_tui.tui.bridge import Bridge
from orch_tui.tui.commands import BY_ID, Prompt, bindings
from orch_tui.tui.errands import Errands, Tone
from orch_tui.tui.messages import AgentWanted, ScreenWanted, StreamWanted
from orch_tui.tui.screens.attention import AttentionScreen
from orch_tui.tui.screens.cost import CostScreen
from orch_tui.tui.screens.frame import OrchScreen
from orch_tui.tui.screens.journal import JournalScreen
from orch_tui.tui.screens.mission import MissionScreen
from orch_tui.tui.screens.review import ReviewScreen
from orch_tui.tui.screens.train import TrainScreen
from orch_tui.tui.theme import DEFAULTS, MISSION

FAREWELL = "The console is closed; everything keeps running. `orch-tui` opens it again."

_ANSWERS: dict[type[Verb[Any]], str] = {Stop: "stop", Merge: "land it", Rollback: "roll back"}


def _palette() -> type[Any]:
    from orch_tui.tui.palette import MissionCommands  # textual.command: 40 ms

    return MissionCommands


class OrchApp(App[None]):
    """Shows a mission and hands on what the operator asks for."""

    TITLE = "orch-tui"
    BINDINGS: ClassVar[list[Any]] = list(bindings())
    COMMANDS: ClassVar[set[Any]] = {_palette}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012  Textual annotates it

    def __init__(
        self,
        mission: MissionVerbs,
        *,
        clock: Callable[[], float] = time.time,
        log_path: str = "",
        start: str = "mission",
        farewell: str = FAREWELL,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self.mission = mission
        self.clock = clock
        self.log_path = log_path
        self.bridge = Bridge(mission, show=self.show_fleet, away=self.show_away)
        self.errands = Errands(mission, self, self._start_errand, lambda: asyncio.get_running_loop().time())
        self._first = start
        self._farewell = farewell
        self._made: dict[str, OrchScreen] = {}
        self._engine_away = False
        self._caption = ""
        self._wear(MISSION)

    def _wear(self, theme: Theme) -> None:
        """Chooses the theme before the style sheets are read: afterwards each would be read twice, for 20 ms."""
        self.register_theme(theme)
        self.set_reactive(App.theme, theme.name)
        self.stylesheet.set_variables(self.get_css_variables())

    def on_mount(self) -> None:
        """Shows the first screen, then follows the mission."""
        self.push_screen(self._screen(self._first))
        self._follow()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Returns what our own variables are in themes that do not know them."""
        return DEFAULTS

    def on_ready(self) -> None:
        """Turns collection on where `main` left it off for the start: what is loaded by now stays for good."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    def _screen(self, name: str) -> OrchScreen:
        if name not in self._made:
            self._made[name] = self._make(name)
            self._made[name].caption = self._caption
            self.install_screen(self._made[name], name)
        return self._made[name]

    def _make(self, name: str) -> OrchScreen:
        if name in ("mission", "journal"):
            kind = MissionScreen if name == "mission" else JournalScreen
            return kind(self.mission, self.clock, self.bridge)
        kinds: dict[str, type[OrchScreen]] = {
            "attention": AttentionScreen,
            "review": ReviewScreen,
            "train": TrainScreen,
            "cost": CostScreen,
        }
        return kinds[name](self.mission, self.clock)

    # Facts come up

    @work(group="background")
    async def _follow(self) -> None:
        await self.bridge.run()

    def show_fleet(self, fleet: Fleet) -> None:
        """Hands the newest fleet to the screen that is seen, also through a dialog."""
        for screen in self.screen_stack:
            if isinstance(screen, OrchScreen):
                screen.fleet = fleet

    def show_away(self, away: bool) -> None:
        """Says on every screen whether the engine can be reached."""
        self._engine_away = away
        for screen in self._made.values():
            screen.away = away

    def narrate(self, words: str) -> None:
        """Shows what a narrator says on every screen until the next words."""
        self._caption = words
        for screen in self._made.values():
            screen.caption = words

    async def run_with(self, story: Coroutine[Any, Any, None]) -> None:
        """Runs the console while a story plays; the story ends with it."""
        playing = asyncio.create_task(story)
        try:
            await self.run_async()
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    # Commands go down

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Says whether a command applies to the screen that is seen."""
        if action != "command":
            return True
        return isinstance(self.screen, OrchScreen) and self.screen.where in BY_ID[str(parameters[0])].where

    async def action_command(self, name: str) -> None:
        """Does what the command table says under that id."""
        command, screen = BY_ID[name], self.screen
        if not isinstance(screen, OrchScreen):
            return
        if not command.action:
            self.errands.run(command, screen.selection())
        elif not await self.run_action(command.action, screen):
            await self.run_action(command.action, self)

    def action_go(self, name: str) -> None:
        """Goes to another screen."""
        screen = self._screen(name)
        if screen is self.screen:
            return
        screen.away = self._engine_away
        self.switch_screen(screen)

    def action_help_page(self) -> None:
        """Shows the keys of this screen."""
        if isinstance(self.screen, OrchScreen):
            from orch_tui.tui.dialogs.help import HelpDialog  # seldom wanted

            self.push_screen(HelpDialog(self.screen.where))

    def action_leave(self) -> None:
        """Closes the console; nothing that runs is touched."""
        self.exit(message=self._farewell)

    def on_screen_wanted(self, event: ScreenWanted) -> None:
        """Goes to a screen."""
        self.action_go(event.name)

    def on_agent_wanted(self, event: AgentWanted) -> None:
        """Opens an agent: its review where it waits for one, else its notes."""
        agent = self.mission.fleet.agent(event.agent)
        if agent is None:
            return
        if agent.state == AgentState.REVIEW:
            review = self._screen("review")
            self.action_go("review")
            review.agent = agent.id  # type: ignore[attr-defined]
            return
        mission = self._screen("mission")
        here = mission is self.screen
        self.action_go("mission")
        assert isinstance(mission, MissionScreen)  # noqa: S101
        if here:
            mission.show_inside()
        else:
            mission.call_after_refresh(mission.reveal, agent.id)

    def on_stream_wanted(self, event: StreamWanted) -> None:
        """Opens a stream in the train."""
        self.action_go("train")
        train = self._screen("train")
        assert isinstance(train, TrainScreen)  # noqa: S101
        train.call_after_refresh(train.reveal, event.stream)

    # What errands ask

    def _start_errand(self, errand: Awaitable[None]) -> Worker[None]:
        return self.run_worker(errand, group="errands", exit_on_error=False)

    async def agree(self, preview: Preview, verb: Verb[Any]) -> bool:
        """Shows what a verb would do; says whether the operator agrees."""
        from orch_tui.tui.dialogs.confirm import ConfirmDialog  # Button: 10 ms

        dialog: Screen[bool] = ConfirmDialog(preview, _ANSWERS.get(type(verb), "do it"))
        return await self.push_screen_wait(dialog)

    async def text(self, prompt: Prompt, about: str) -> str:
        """Asks for a text."""
        from orch_tui.tui.dialogs.prompt import PromptDialog  # TextArea: 10 ms

        dialog: Screen[str] = PromptDialog(prompt.title.format(about), prompt.hint, prompt.button)
        return await self.push_screen_wait(dialog)

    def tell(self, words: str, *, title: str = "", tone: Tone = "information") -> None:
        """Says something in passing."""
        self.notify(words, title=title, severity=tone, markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Says it when our own program failed behind the screen; nothing is swallowed."""
        if event.state == WorkerState.ERROR and event.worker.group != "background":
            where = f" The log is {self.log_path}." if self.log_path else ""
            self.log.error(event.worker.error)
            self.tell(f"{event.worker.error!r}.{where}", title="Something broke in the console", tone="error")

    def screenshot_svg(self, title: str = "") -> str:
        """Returns the screen as a picture."""
        return self.export_screenshot(title=title or self.title)
