"""The graph computes the encoder of BERT: compared with its formulas, in double precision."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from apps_registry.retrieval.embeddings.bert_graph import bert_graph
from tests import needs

with suppress(ModuleNotFoundError):  # then the test says that the extra is missing
    import numpy as np
    import onnxruntime

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

WIDTH, INNER, LAYERS, HEADS, TOKENS = 8, 16, 2, 2, 5
LINEAR = {
    **dict.fromkeys(("attention.self.query", "attention.self.key", "attention.self.value"), (WIDTH, WIDTH)),
    "attention.output.dense": (WIDTH, WIDTH),
    "intermediate.dense": (INNER, WIDTH),
    "output.dense": (WIDTH, INNER),
}
NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


def random_weights() -> "dict[str, Array]":
    random = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        for name, shape in LINEAR.items():
            shapes |= {f"encoder.layer.{layer}.{name}.weight": shape, f"encoder.layer.{layer}.{name}.bias": shape[:1]}
        for name in NORMS:
            shapes |= {f"encoder.layer.{layer}.{name}.{part}": (WIDTH,) for part in ("weight", "bias")}
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_the_vector_follows_the_formulas() -> None:
    needs.embedded_extra()
    weights = random_weights()
    rows = np.random.default_rng(2).normal(size=(TOKENS, WIDTH)).astype(np.float32)
    graph, needed = bert_graph(weights, layers=LAYERS, heads=HEADS)
    options = onnxruntime.SessionOptions()
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weights[name]) for name in needed]
    options.add_external_initializers(needed, values)
    (vector,) = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]).run(
        None, {"rows": rows}
    )
    assert np.allclose(
        vector, expected({name: array.astype(float) for name, array in weights.items()}, rows), atol=1e-5
    )


def expected(weights: "dict[str, Array]", rows: "Array") -> "Array":
    rows = normalised(weights, "embeddings.LayerNorm", rows.astype(float))
    for number in range(LAYERS):
        name = f"encoder.layer.{number}"
        attended = linear(weights, f"{name}.attention.output.dense", attention(weights, f"{name}.attention.self", rows))
        rows = normalised(weights, f"{name}.attention.output.LayerNorm", rows + attended)
        inner = linear(weights, f"{name}.intermediate.dense", rows)
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        rows = normalised(weights, f"{name}.output.LayerNorm", rows + linear(weights, f"{name}.output.dense", inner))
    vector: Array = rows.mean(0) / np.linalg.norm(rows.mean(0))
    return vector


def attention(weights: "dict[str, Array]", name: str, rows: "Array") -> "Array":
    query, key, value = (
        np.split(linear(weights, f"{name}.{part}", rows), HEADS, axis=1) for part in ("query", "key", "value")
    )
    heads = []
    for one_query, one_key, one_value in zip(query, key, value, strict=True):
        scores = np.exp(one_query @ one_key.T / math.sqrt(WIDTH / HEADS))
        heads.append(scores / scores.sum(1, keepdims=True) @ one_value)
    return np.concatenate(heads, axis=1)


def linear(weights: "dict[str, Array]", name: str, rows: "Array") -> "Array":
    result: Array = rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return result


def normalised(weights: "dict[str, Array]", name: str, rows: "Array") -> "Array":
    centred = rows - rows.mean(1, keepdims=True)
    result: Array = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-12) * weights[f"{name}.weight"]
    return result + weights[f"{name}.bias"]
