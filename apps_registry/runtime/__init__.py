"""What turns read of an App: its configuration, in memory."""
