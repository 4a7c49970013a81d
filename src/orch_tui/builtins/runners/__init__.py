"""Places where agents run that come with the program."""
