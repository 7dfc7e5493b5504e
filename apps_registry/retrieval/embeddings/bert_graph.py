"""The encoder of BERT as a graph for onnxruntime, with the names that Hugging Face's BERT gives its weights.

Sources: arXiv 1810.04805 for the encoder; sbert.net for the vector, the mean of the token vectors with length 1.
The graph takes one text, so that nothing is padded: a batch costs 1.7 times as much (measured on chunks of 900
characters).
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

# The operators of ONNX 1.16, which has the exact Gelu; and the version of the file format of that release.
OPSET, FORMAT = 20, 10
EPSILON = 1e-12


def bert_graph(weights: "Mapping[str, Array]", *, layers: int, heads: int) -> tuple[bytes, list[str]]:
    """Return the serialised graph, and the names of the weights that a session needs in addition.

    The input `rows` has a row for each token; the output is the vector of the text. The graph does not contain the
    weights, so that a session uses those of a mapped file: otherwise it takes 40 MB more, and 150 MB while it starts.

    Args:
        weights: float32 tensors by name, without the prefix `bert.`.
        layers: number of layers of the encoder.
        heads: number of attention heads in each layer.
    """
    graph = _Graph(weights, heads=heads)
    rows = graph.normalised("rows", "embeddings.LayerNorm")
    for number in range(layers):
        rows = graph.layer(rows, f"encoder.layer.{number}")
    mean = graph.add("ReduceMean", rows, graph.numbers([0]), keepdims=0)
    return graph.serialised(graph.add("LpNormalization", mean, axis=0, p=2)), graph.needed


class _Graph:
    """Nodes and constants. Each method adds nodes and returns the name of their result."""

    def __init__(self, weights: "Mapping[str, Array]", *, heads: int) -> None:
        import onnx.helper  # noqa: PLC0415 - part of an extra, and slow to import

        self._onnx: Any = onnx
        self._weights, self._heads = weights, heads
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self.needed: list[str] = []
        self._width = len(weights["embeddings.LayerNorm.weight"])

    def layer(self, rows: str, name: str) -> str:
        attended = self.linear(self._attention(rows, f"{name}.attention.self"), f"{name}.attention.output.dense")
        rows = self.normalised(self.add("Add", rows, attended), f"{name}.attention.output.LayerNorm")
        inner = self.add("Gelu", self.linear(rows, f"{name}.intermediate.dense"))
        return self.normalised(
            self.add("Add", rows, self.linear(inner, f"{name}.output.dense")), f"{name}.output.LayerNorm"
        )

    def _attention(self, rows: str, name: str) -> str:
        size = self._width // self._heads
        query, key, value = (
            self.add("Transpose", self._in_heads(self.linear(rows, f"{name}.{part}"), size), perm=order)
            for part, order in (("query", [1, 0, 2]), ("key", [1, 2, 0]), ("value", [1, 0, 2]))
        )
        scores = self.add("Mul", self.add("MatMul", query, key), self._number(1 / math.sqrt(size)))
        weighted = self.add("MatMul", self.add("Softmax", scores, axis=-1), value)
        merged = self.add("Transpose", weighted, perm=[1, 0, 2])
        return self.add("Reshape", merged, self.numbers([0, self._width]))

    def _in_heads(self, rows: str, size: int) -> str:
        return self.add("Reshape", rows, self.numbers([0, self._heads, size]))

    def linear(self, rows: str, name: str) -> str:
        return self.add("Gemm", rows, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"), transB=1)

    def normalised(self, rows: str, name: str) -> str:
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self.add("LayerNormalization", rows, weight, bias, axis=-1, epsilon=EPSILON)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, [name], **attributes))
        return name

    def numbers(self, values: list[int]) -> str:
        return self._constant(self._onnx.TensorProto.INT64, [len(values)], values)

    def _number(self, value: float) -> str:
        return self._constant(self._onnx.TensorProto.FLOAT, [], [value])

    def _constant(self, kind: int, shape: list[int], values: Sequence[float]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(self._onnx.helper.make_tensor(name, kind, shape, values))
        return name

    def _weight(self, name: str) -> str:
        tensor = self._onnx.TensorProto(name=name, dims=self._weights[name].shape)
        tensor.data_type, tensor.data_location = self._onnx.TensorProto.FLOAT, self._onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights")  # required, but the session has them in memory
        self._constants.append(tensor)
        self.needed.append(name)
        return name

    def serialised(self, output: str) -> bytes:
        def described(name: str, shape: list[int | str]) -> Any:
            return self._onnx.helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, shape)

        inputs, outputs = [described("rows", ["tokens", self._width])], [described(output, [self._width])]
        graph = self._onnx.helper.make_graph(self._nodes, "bert", inputs, outputs, self._constants)
        imports = [self._onnx.helper.make_opsetid("", OPSET)]
        model = self._onnx.helper.make_model(graph, opset_imports=imports, ir_version=FORMAT)
        serialised: bytes = model.SerializeToString()
        return serialised
