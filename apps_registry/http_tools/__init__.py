"""HTTP tools: tools that operators define as a request, without code."""
