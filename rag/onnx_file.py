"""Writes an ONNX model as bytes: the few fields of its protobuf that a graph of ours needs, and no `onnx` package.

Field numbers are those of onnx.proto, which never change.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MICROSOFT = "com.microsoft"  # domain of ONNX Runtime's own fused operators
_IR_VERSION, _OPSET = 8, 17
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_FLOAT, _INT, _INTS = 1, 2, 7  # AttributeProto.AttributeType

Attribute = int | float | Sequence[int]
Shape = Sequence[int | str]  # a name stands for a length that changes from run to run


@dataclass(slots=True)
class Graph:
    """Nodes in the order in which they run; a name ties an output to the inputs that read it."""

    inputs: Mapping[str, tuple[str, Shape]]  # name -> (type, shape)
    outputs: Mapping[str, tuple[str, Shape]]
    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)

    def constant(self, name: str, value: Any) -> str:
        """Keep an array in the model; returns its name."""
        array = np.ascontiguousarray(value)
        dims = b"".join(_number(1, size) for size in np.shape(value))
        kind = _number(2, _TYPES[array.dtype.name])
        self.constants.append(dims + kind + _text(8, name) + _bytes(9, array.tobytes()))
        return name

    def add(
        self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Attribute
    ) -> str:
        """Run `operator` on `inputs`; returns the name of its output."""
        body = b"".join(_text(1, name) for name in inputs) + _text(2, output)
        body += _text(3, output) + _text(4, operator)
        body += b"".join(_bytes(5, _attribute(key, value)) for key, value in attributes.items())
        self.nodes.append(body + _text(7, domain))
        return output

    def serialise(self) -> bytes:
        """The model as ONNX Runtime reads it."""
        parts = [_bytes(1, node) for node in self.nodes] + [_text(2, "graph")]
        parts += [_bytes(5, constant) for constant in self.constants]
        parts += [_bytes(11, _value(name, *form)) for name, form in self.inputs.items()]
        parts += [_bytes(12, _value(name, *form)) for name, form in self.outputs.items()]
        opsets = _opset("", _OPSET) + _opset(MICROSOFT, 1)
        return _number(1, _IR_VERSION) + opsets + _bytes(7, b"".join(parts))


def _opset(domain: str, version: int) -> bytes:
    return _bytes(8, _text(1, domain) + _number(2, version))


def _value(name: str, kind: str, shape: Shape) -> bytes:
    sizes = b"".join(
        _bytes(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape
    )
    tensor = _number(1, _TYPES[kind]) + _bytes(2, sizes)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, _FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _INT)
    return _text(1, name) + b"".join(_number(8, each) for each in value) + _number(20, _INTS)


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)  # negative: two's complement of 64 bits


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
