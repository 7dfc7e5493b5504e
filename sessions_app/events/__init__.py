"""Events of sessions, carried between workers."""
