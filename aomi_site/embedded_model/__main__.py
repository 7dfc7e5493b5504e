"""The embedded model's process: `python -m aomi_site.embedded_model WEIGHTS PORT PARENT_PID`.

It serves the OpenAI chat completions protocol on loopback, and ends with its parent process.
"""

import os
import sys
import time

import xllamacpp

from aomi_site.embedded_model.server import CONTEXT_TOKENS, MAX_REPLY_TOKENS, MODEL_ID, SLOTS
from aomi_site.processes.child import end_with_parent, is_orphan


def main() -> None:
    """Serve until the parent process ends."""
    weights, port, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    end_with_parent(parent)
    server = xllamacpp.Server(_parameters(weights, port))
    while not is_orphan(parent):
        time.sleep(1)
    del server


def _parameters(weights: str, port: int) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {MODEL_ID}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = SLOTS
    # Half the cores: threads waiting for a core that another program uses would stall the whole model.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) // 2)
    params.kv_unified = True  # each conversation may fill the context; they share its memory
    # The usual sampling (0.8, no penalty) makes a model this small drift or loop; an App may set other values.
    params.sampling.temp = 0.0
    params.sampling.penalty_repeat = 1.1
    params.n_predict = MAX_REPLY_TOKENS  # a model this small may never end its reply
    params.cache_ram_mib = 128  # the default, 8 GB, would crash a small machine
    # User text does not leave the process: no log lines below errors, no page that shows the running prompts, no web
    # interface, and no website in the operator's browser may read the responses.
    params.verbosity = 1
    params.endpoint_slots = False
    params.ui = False
    params.cors_origins = f"http://127.0.0.1:{port}"
    return params


if __name__ == "__main__":
    main()
