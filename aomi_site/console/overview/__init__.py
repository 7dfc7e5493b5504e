"""The console's first page: how it goes, what needs attention, and what runs right now."""
