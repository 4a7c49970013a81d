"""The shipped plug-ins; they import only `orch_tui.api`."""
