"""Times for people: ages, durations, hours of the day. Pure, but for the local time zone."""

from __future__ import annotations

from datetime import datetime

MINUTE = 60
HOUR = 3600
DAY = 86400


def duration(seconds: float) -> str:
    """Returns a length of time in one unit of at most four characters: `9s`, `3m`, `5h`, `12d`."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m"
    return f"{whole // HOUR}h" if whole < 2 * DAY else f"{whole // DAY}d"


def span(seconds: float) -> str:
    """Returns a length of time in two units: `3h 20m`."""
    whole = max(0, int(seconds))
    if whole < HOUR:
        return duration(whole)
    if whole < 2 * DAY:
        return f"{whole // HOUR}h {whole % HOUR // MINUTE}m"
    return f"{whole // DAY}d {whole % DAY // HOUR}h"


def age(since: float, now: float) -> str:
    """Returns how long ago that was; nothing where it never was."""
    return duration(now - since) if since else ""


def time_of_day(at: float) -> str:
    """Returns the local time with seconds."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def moment(at: float) -> str:
    """Returns local date and time."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
