"""What the server counts, all of it; `/metrics` adds up what the worker processes have in their files.

Labels hold words of our own only: nothing that a caller sends, so that their number is bounded.
"""

from prometheus_client import Counter, Gauge

LOOP_FAILURES = Counter("aomi_loop_failures", "Rounds of a background loop that failed; the loop goes on.", ["loop"])
DATABASE_FAILURES = Counter("aomi_database_failures", "Statements that failed for what may pass, by fault.", ["fault"])
DATABASE_CONNECTIONS = Counter("aomi_database_connections", "Connections to PostgreSQL opened for API calls.")
REFUSALS = Counter("aomi_refusals", "Answers of the API with an error, by status and code word.", ["status", "code"])
TURNS = Counter("aomi_turns", "Turns that ended here, by outcome.", ["outcome"])
SESSION_LOADS = Counter("aomi_session_loads", "Sessions loaded, by the tier that had them.", ["tier"])
# The worst worker counts: one that is deaf is a fault, whatever the others hear. Without a label the process that
# forks the workers would count as one that hears nothing.
BUS_HEARS = Gauge("aomi_bus_hears", "1 while every worker hears the bus, else 0.", ["bus"], multiprocess_mode="livemin")
EVENT_READERS = Gauge(
    "aomi_event_readers", "Open event streams, and calls that wait for a session's events.", multiprocess_mode="livesum"
)
