"""Runs the program as `python -m orch_tui`."""

from __future__ import annotations

from orch_tui.main import main

if __name__ == "__main__":
    main()
