"""What a model is given: the history, notes about the user and about servers."""
