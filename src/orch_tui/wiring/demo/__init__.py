"""`orch-tui demo`: a small real repository, a plan of 3 streams and 8 agents, and an operator who plays by rules.

Everything is the real path, from worktrees to landings; only the model's answers are scripted, and the meter says so.
"""
