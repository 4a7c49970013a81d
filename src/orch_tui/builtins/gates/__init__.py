"""Gates that come with the program."""
