"""The console's first page: today's usage, what needs attention, and what is running now."""
