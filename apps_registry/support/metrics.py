"""All metrics of the server; `/metrics` adds up the files of the worker processes.

Label values are fixed words of this code, never input from a caller, so that the number of time series is bounded.
"""

from prometheus_client import Counter, Gauge

LOOP_FAILURES = Counter("aomi_loop_failures", "Failed rounds of a background loop; the loop continues.", ["loop"])
DATABASE_FAILURES = Counter("aomi_database_failures", "Statements with a transient failure, by fault.", ["fault"])
DATABASE_CONNECTIONS = Counter("aomi_database_connections", "Connections to PostgreSQL opened for API calls.")
REFUSALS = Counter("aomi_refusals", "API responses with an error, by status and error code.", ["status", "code"])
CANARY_USES = Counter("aomi_canary_key_uses", "Calls with a canary key, which only an intruder would use.")
TURNS = Counter("aomi_turns", "Turns that ended in this server, by outcome.", ["outcome"])
SESSION_LOADS = Counter("aomi_session_loads", "Sessions loaded, by the tier that held them.", ["tier"])
# The worst worker counts: one worker without the bus is a fault, even if the others receive messages. Without a label
# the process that forks the workers would count as a worker without the bus.
BUS_HEARS = Gauge(
    "aomi_bus_hears",
    "1 while every worker receives messages of the bus, otherwise 0.",
    ["bus"],
    multiprocess_mode="livemin",
)
EVENT_READERS = Gauge(
    "aomi_event_readers",
    "Open event streams and calls that wait for the events of a session.",
    multiprocess_mode="livesum",
)
