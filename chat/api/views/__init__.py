"""The views of the API, a module for each kind of call."""
