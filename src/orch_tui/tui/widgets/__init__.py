"""Widgets: line by line where there is much, a function of the fleet where there is little."""
