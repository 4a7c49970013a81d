"""Kinds of agents that come with the program."""
