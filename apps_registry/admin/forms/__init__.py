"""The forms of the console's pages."""
