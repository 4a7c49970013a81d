"""A real terminal for stories: tmux on a socket of its own, keys in, text out."""

from __future__ import annotations

import shlex
import subprocess
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.fleet import until

_OPTIONS = "set -g status off ; set -s escape-time 0"
_ENDED = "This program ended with status"
_SHELL = f'"$@"; echo "{_ENDED} $?."; read -r _'
"""The shell tells the status: tmux itself now and then misses the end of its child under load."""


class Terminal:
    """One program in one terminal window.

    Args:
        tmux: the program.
        argv: what runs in the window.
        size: columns and rows.
    """

    def __init__(
        self, tmux: str, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        self._tmux = tmux
        self._socket = f"orch-story-{uuid.uuid4().hex[:12]}"
        self._env = dict(env)
        self._call(
            *("start-server", ";", *shlex.split(_OPTIONS), ";"),
            *("new-session", "-d", "-s", "story", "-x", str(size[0]), "-y", str(size[1]), "-c", str(cwd)),
            f"exec {shlex.join(['sh', '-c', _SHELL, 'story', *argv])}",
        )

    def _call(self, *words: str) -> str:
        done = subprocess.run(
            [self._tmux, "-L", self._socket, "-f", "/dev/null", *words],
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, f"tmux {words[0]}: {done.stderr}"
        return done.stdout

    def screen(self) -> str:
        """Returns what the window shows as text."""
        return self._call("capture-pane", "-p", "-t", "story")

    def keys(self, *keys: str) -> None:
        """Presses keys by their tmux names."""
        self._call("send-keys", "-t", "story", *keys)

    def type(self, text: str) -> None:
        """Types a text."""
        self._call("send-keys", "-t", "story", "-l", text)

    def see(self, *words: str, seconds: float = 30.0) -> str:
        """Waits until all these words are on the screen, and returns the screen."""
        return self.wait(" and ".join(map(repr, words)), lambda text: all(w in text for w in words), seconds)

    def see_row(self, subject: str, *words: str, seconds: float = 30.0) -> str:
        """Waits until a row that holds the subject holds all these words too."""

        def there(text: str) -> bool:
            return any(subject in line and all(w in line for w in words) for line in text.splitlines())

        return self.wait(f"{subject} with {words}", there, seconds)

    def wait(self, what: str, condition: Callable[[str], bool], seconds: float = 30.0) -> str:
        """Waits until the screen's text fulfils a condition, and returns it."""
        seen = ""

        def there() -> bool:
            nonlocal seen
            seen = self.screen()
            return condition(seen)

        try:
            until(what, there, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen shows\n{seen}") from None
        return seen

    def ended(self, seconds: float = 20.0) -> int:
        """Waits until the program has ended and returns its exit status."""
        return int(self.see(_ENDED, seconds=seconds).rpartition(_ENDED)[2].strip(" .\n"))

    def close(self) -> None:
        """Closes the terminal with whatever runs in it."""
        self._call("kill-server")
