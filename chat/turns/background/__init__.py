"""Work that no reply waits for: titles, summaries, and the requests that Apps keep."""
