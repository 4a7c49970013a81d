"""One module for each verb; each holds its click command as `command`."""
