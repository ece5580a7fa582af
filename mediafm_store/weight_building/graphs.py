"""Make small ONNX graphs: from a state dict, out of a wrapped graph, with int8 weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

_IR_VERSION, _OPSET = 8, 17
_SMALL = 6000
"""Weights of a layer up to which it keeps float16: early layers, that all others build on."""


class _BlockGroup(NamedTuple):
    """Blocks of one kind in a row; only the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    inputs: int
    outputs: int


_STAGES = (
    _BlockGroup(1, 3, 1, 1, 32, 16),
    _BlockGroup(2, 3, 2, 6, 16, 24),
    _BlockGroup(2, 5, 2, 6, 24, 40),
    _BlockGroup(3, 3, 2, 6, 40, 80),
    _BlockGroup(3, 5, 1, 6, 80, 112),
    _BlockGroup(4, 5, 2, 6, 112, 192),
    _BlockGroup(1, 3, 1, 6, 192, 320),
)
"""Stages of EfficientNet-B0 (Tan and Le, 2019, table 1), which Lite0 shares."""
_SIDE, FEATURES, _PICTURE_CLASSES = 224, 1280, 1000
_BATCH_NORM_EPSILON = 1e-3
SOUND_FEATURES, _SOUND_CLASSES = 1024, 521


@dataclass
class _Drawing:
    """A graph that grows node by node; a value goes by its name."""

    state: Mapping[str, np.ndarray]
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    side: int = _SIDE
    """Height and width of the feature map that comes next."""

    def constant(self, name: str, value: np.ndarray) -> str:
        """Add a float32 constant."""
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, kind: str, *inputs: str, to: str, **attributes: object) -> str:
        """Add a node with one output."""
        self.nodes.append(helper.make_node(kind, list(inputs), [to], **attributes))
        return to

    def conv(
        self,
        x: str,
        layer: str,
        norm: str,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        clip: bool = True,
    ) -> str:
        """A convolution with its batch norm folded in, padded as TensorFlow's "same"."""
        gamma, beta, mean, variance = (
            self.state[f"{norm}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + _BATCH_NORM_EPSILON)
        out = math.ceil(self.side / stride)
        padding = max((out - 1) * stride + kernel - self.side, 0)
        before, after = padding // 2, padding - padding // 2
        self.side = out
        y = self.node(
            "Conv",
            x,
            self.constant(f"{layer}.w", self.state[f"{layer}.weight"] * scale[:, None, None, None]),
            self.constant(f"{layer}.b", beta - mean * scale),
            to=layer,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            group=groups,
            pads=[before, before, after, after],
        )
        return self.node("Clip", y, "zero", "six", to=f"{layer}.relu6") if clip else y

    def block(self, x: str, name: str, stage: _BlockGroup, *, first: bool) -> str:
        """An inverted residual block (Sandler et al., 2018) without squeeze and excitation."""
        inputs = stage.inputs if first else stage.outputs
        stride = stage.stride if first else 1
        wide = inputs * stage.expand
        y = x
        if stage.expand > 1:
            y = self.conv(y, f"{name}._expand_conv", f"{name}._bn0")
        y = self.conv(
            y,
            f"{name}._depthwise_conv",
            f"{name}._bn1",
            kernel=stage.kernel,
            stride=stride,
            groups=wide,
        )
        y = self.conv(y, f"{name}._project_conv", f"{name}._bn2", clip=False)
        same_shape = stride == 1 and inputs == stage.outputs
        return self.node("Add", y, x, to=f"{name}.sum") if same_shape else y


def efficientnet_lite0(state: Mapping[str, np.ndarray]) -> Any:
    """`pixels` to 1280 pooled `features` and 1000 `logits`."""
    draw = _Drawing(state)
    draw.constant("zero", np.array(0))
    draw.constant("six", np.array(6))
    x = draw.conv("pixels", "_conv_stem", "_bn0", kernel=3, stride=2)
    places = [(stage, i == 0) for stage in _STAGES for i in range(stage.repeats)]
    for number, (stage, first) in enumerate(places):
        x = draw.block(x, f"_blocks.{number}", stage, first=first)
    x = draw.conv(x, "_conv_head", "_bn1")
    x = draw.node("GlobalAveragePool", x, to="pooled")
    x = draw.node("Flatten", x, to="features")
    weight, bias = (
        draw.constant("fc.w", state["_fc.weight"]),
        draw.constant("fc.b", state["_fc.bias"]),
    )
    draw.node("Gemm", x, weight, bias, to="logits", transB=1)
    return _model(
        draw.nodes,
        draw.constants,
        takes={"pixels": ["n", 3, _SIDE, _SIDE]},
        gives={"features": ["n", FEATURES], "logits": ["n", _PICTURE_CLASSES]},
    )


def yamnet(wrapped: Any) -> Any:
    """`patches` to 1024 `features` and 521 `logits`: the float graph inside a quantised one.

    The source wraps each float value in a QuantizeLinear and a DequantizeLinear node; both go.
    """
    source = {node.output[0]: node for node in wrapped.graph.node}

    def behind(value: str) -> str:
        while value in source and source[value].op_type in ("QuantizeLinear", "DequantizeLinear"):
            value = source[value].input[0]
        return value

    kept = [
        n for n in wrapped.graph.node if n.op_type not in ("QuantizeLinear", "DequantizeLinear")
    ]
    for node in kept:
        inputs = [behind(value) for value in node.input]
        if node.op_type == "Reshape":  # to a batch of 1, written into the graph
            node.op_type, inputs = "Flatten", inputs[:1]
            del node.attribute[:]
        del node.input[:]
        node.input.extend(inputs)
    flat = next(n for n in kept if n.op_type == "Flatten")
    _rename(kept, {behind(wrapped.graph.input[0].name): "patches"})
    _rename(kept, {flat.output[0]: "features", kept[-1].output[0]: "logits"})
    used = {value for node in kept for value in node.input}
    return _model(
        kept,
        [t for t in wrapped.graph.initializer if t.name in used],
        takes={"patches": ["n", 1, 96, 64]},
        gives={"features": ["n", SOUND_FEATURES], "logits": ["n", _SOUND_CLASSES]},
    )


def _rename(nodes: list[Any], names: Mapping[str, str]) -> None:
    """Give values other names."""
    for node in nodes:
        for values in (node.input, node.output):
            values[:] = [names.get(value, value) for value in values]


def int8_weights(graph: Any) -> Any:
    """Keep weights as int8 with one scale an output channel; compute in float all the same.

    Only weights, so there is nothing to calibrate, rows of a batch stay independent, and every
    CPU gives the same vectors. Depthwise and small layers keep float16: they are a tenth of the
    weights and make most of the error.
    """
    nodes, constants = [], []
    layers = {n.input[1] for n in graph.graph.node if n.op_type in ("Conv", "Gemm")}
    for tensor in graph.graph.initializer:
        if tensor.name not in layers:
            constants.append(tensor)
            continue
        weight, stored = numpy_helper.to_array(tensor), f"{tensor.name}.stored"
        if weight.size <= _SMALL or weight.shape[1] == 1:
            constants.append(numpy_helper.from_array(weight.astype(np.float16), stored))
            nodes.append(helper.make_node("Cast", [stored], [tensor.name], to=1))
        else:
            small, scale = round_rows(weight)
            constants.append(numpy_helper.from_array(small, stored))
            constants.append(numpy_helper.from_array(scale, f"{tensor.name}.scale"))
            inputs = [stored, f"{tensor.name}.scale"]
            nodes.append(helper.make_node("DequantizeLinear", inputs, [tensor.name], axis=0))
    takes, gives = graph.graph.input, graph.graph.output
    return _model(
        [*nodes, *graph.graph.node], constants, takes=_shapes(takes), gives=_shapes(gives)
    )


def round_rows(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 with one float32 scale a row."""
    rows = weight.reshape(len(weight), -1)
    scale = (np.abs(rows).max(axis=1) / 127).astype(np.float32)
    scale[scale == 0] = 1
    return np.rint(rows / scale[:, None]).astype(np.int8).reshape(weight.shape), scale


def _shapes(values: Any) -> dict[str, list[Any]]:
    """Names and dimensions of a graph's inputs or outputs."""
    return {
        v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values
    }


def _model(
    nodes: list[Any],
    constants: list[Any],
    *,
    takes: Mapping[str, list[Any]],
    gives: Mapping[str, list[Any]],
) -> Any:
    """A checked float32 model."""

    def values(dims: Mapping[str, list[Any]]) -> list[Any]:
        kind = onnx.TensorProto.FLOAT
        return [helper.make_tensor_value_info(name, kind, shape) for name, shape in dims.items()]

    graph = helper.make_graph(nodes, "encoder", values(takes), values(gives), constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    made.ir_version = _IR_VERSION
    onnx.checker.check_model(made)
    return made
