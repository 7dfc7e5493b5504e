"""What model providers accept: their profiles, and rules for requests and for tools."""
