"""The colours of the console; everything else names them by the theme's variables."""

from __future__ import annotations

from textual.theme import Theme

MISSION = Theme(
    name="mission",
    primary="#7aa2f7",
    secondary="#5a7ab8",
    accent="#bb9af7",
    success="#8ccf7e",
    warning="#e5b567",
    error="#f7768e",
    foreground="#c8d0e8",
    background="#12141c",
    surface="#171a24",
    panel="#1f2331",
    variables={
        "muted": "#8b94b5",
        "faint": "#4e5778",
        "border": "#3a415c",
        "border-blurred": "#2a2f43",
        "block-cursor-background": "#2d3752",
        "block-cursor-foreground": "#e6ebff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#222838",
        "block-cursor-blurred-foreground": "#c8d0e8",
        "scrollbar": "#2f3650",
        "scrollbar-hover": "#3f4870",
        "scrollbar-active": "#7aa2f7",
        "scrollbar-background": "#171a24",
        "scrollbar-background-hover": "#171a24",
        "scrollbar-background-active": "#171a24",
        "scrollbar-corner-color": "#171a24",
        "input-selection-background": "#3d4f80",
        "footer-background": "#12141c",
    },
)
"""A dark theme; the operator may choose another one in the palette."""

DEFAULTS = {"muted": "#8c8c8c", "faint": "#6a6a6a"}
"""Our own variables where another theme is chosen."""
