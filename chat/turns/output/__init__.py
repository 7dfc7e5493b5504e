"""What a turn gives: stored messages, the forms that clients see, and the events for readers."""
