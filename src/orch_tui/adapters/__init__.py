"""IO behind the ports of the core."""
