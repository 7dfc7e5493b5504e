"""The configuration of Apps in memory, for turns."""
