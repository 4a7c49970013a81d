"""The built-in coding agent, a program of its own."""
