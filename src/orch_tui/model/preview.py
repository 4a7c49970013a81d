"""What a dangerous verb would do, before it is done."""

from __future__ import annotations

import hashlib

from msgspec import Struct

from orch_tui.model.errors import Refused


class Preview(Struct, frozen=True):
    """The steps of a verb, what would go, where its copy goes; `digest` names exactly the objects that were shown.

    `refused` is the reason why it cannot be done now; then there is nothing to agree to.
    """

    title: str
    steps: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    digest: str = ""
    refused: str = ""


def preview(
    title: str, *, steps: tuple[str, ...] = (), losses: tuple[str, ...] = (), names: tuple[str, ...]
) -> Preview:
    """Returns a preview whose digest covers the title and the named objects."""
    digest = hashlib.sha256("\0".join((title, *names)).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Preview(title, steps, losses, digest)


def refusal(title: str, reason: str) -> Preview:
    """Returns the preview of a verb that cannot be done now."""
    return Preview(title, refused=reason)


def agree(now: Preview, agreed: str) -> None:
    """Makes sure that what was agreed to is still what would be done; "" agrees to whatever there is.

    Raises:
        Refused: something changed since the person looked.
    """
    if agreed and now.digest != agreed:
        raise Refused("things changed since you looked", now.title, "Look at the plan again.")
