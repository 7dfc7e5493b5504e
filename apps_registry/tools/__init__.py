"""The protocol that every kind of tool follows."""
