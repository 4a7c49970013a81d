"""The operator's repository behind the port `core.ports.Git`."""

from __future__ import annotations
