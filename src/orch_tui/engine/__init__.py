"""The host of the mission: socket, lock, client."""
