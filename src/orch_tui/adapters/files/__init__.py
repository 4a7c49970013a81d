"""Following and writing files."""
