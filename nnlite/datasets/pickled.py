"""Lists, numbers and arrays out of pickles, which are read and never run.

A pickle is a small program. Python's ``pickle`` runs it, and so does whatever a stranger has written into it. This
reader knows the instructions that put data together, and of the functions that a pickle may ask to be called only
those by which NumPy describes an array; it calls none of them, it reads the description. Anything else is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

_MARK = object()
_DTYPE = re.compile(r"[|<>=]?[biuf][1248]|[|<>=]?O8?")


class _Global(NamedTuple):
    name: str


class _Array:
    """An array that is announced but not yet described."""

    value: Any = None


class _DType:
    def __init__(self, code: str) -> None:
        self.code = code


def loads(data: bytes) -> Any:
    """Return the numbers, texts, lists, tuples, dicts and arrays that a pickle of protocol 2 to 5 describes.

    Raises ``ValueError`` for anything else in it, and where it is cut off or contradicts itself.

    >>> import pickle
    >>> loads(pickle.dumps({"a": [1, 2.5, None], "b": np.arange(3, dtype="uint8")}))
    {'a': [1, 2.5, None], 'b': array([0, 1, 2], dtype=uint8)}
    >>> loads(pickle.dumps(print))
    Traceback (most recent call last):
        ...
    ValueError: the pickle asks for builtins.print, expected data alone
    """
    try:
        return _run(data)
    except (IndexError, struct.error, RecursionError):
        raise ValueError("the pickle is cut off or contradicts itself") from None


def _run(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    at = 0
    while True:
        op = data[at]
        # whole numbers first: word lists are hardly anything else
        if op == 75:  # K: one byte
            stack.append(data[at + 1])
            at += 2
        elif op == 77:  # M: two bytes
            stack.append(data[at + 1] | data[at + 2] << 8)
            at += 3
        elif op == 46:  # .: stop
            if len(stack) != 1:
                raise ValueError("the pickle contradicts itself")
            return _finished(stack[0], [len(data)])
        elif op in _SIZED:
            width, signed, make = _SIZED[op]
            size = int.from_bytes(_take(data, at + 1, width), "little", signed=signed)
            if size < 0:
                raise ValueError("the pickle has a text of negative length")
            stack.append(make(_take(data, at + 1 + width, size)))
            at += 1 + width + size
        elif op in _FIXED:
            width, unpack = _FIXED[op]
            stack.append(unpack(_take(data, at + 1, width)))
            at += 1 + width
        elif op in _STACK:
            _STACK[op](stack)
            at += 1
        elif op == 99:  # c: a global, two lines
            end = data.index(b"\n", data.index(b"\n", at + 1) + 1)
            stack.append(_global(*data[at + 1 : end].decode("ascii", "replace").split("\n")))
            at = end + 1
        elif op in _PUT:
            width = _PUT[op]
            key = int.from_bytes(_take(data, at + 1, width), "little") if width else len(memo)
            memo[key] = stack[-1]
            at += 1 + width
        elif op in _GET:
            key = int.from_bytes(_take(data, at + 1, _GET[op]), "little")
            if key not in memo:
                raise ValueError("the pickle refers to what it has not kept")
            stack.append(memo[key])
            at += 1 + _GET[op]
        elif op in _SKIPPED:
            at += 1 + _SKIPPED[op]
        else:
            raise ValueError(f"the pickle holds the instruction {bytes([op])!r}, expected data alone")


def _take(data: bytes, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise IndexError
    return data[start : start + size]


_PLAIN = {int, float, str, bytes, bool, type(None)}


def _finished(value: Any, budget: list[int]) -> Any:
    """The value with arrays in their places; raises if something was announced and not described.

    ``budget`` limits the steps: a pickle may refer to one list many times over, and again to that.
    """
    if type(value) in _PLAIN:
        return value
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError("the pickle unfolds to far more than its size")
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("the pickle announces an array and does not describe it")
        return value.value
    if isinstance(value, dict):
        return {key: _finished(one, budget) for key, one in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, _Global):
        if not set(map(type, value)) <= _PLAIN:
            return type(value)(_finished(one, budget) for one in value)
        return value
    if isinstance(value, np.ndarray):
        return value
    raise ValueError("the pickle is no data")


# ---- instructions that work on the stack alone ----


def _since_mark(stack: list[Any]) -> list[Any]:
    for index in range(len(stack) - 1, -1, -1):
        if stack[index] is _MARK:
            items = stack[index + 1 :]
            del stack[index:]
            return items
    raise IndexError


def _append(stack: list[Any]) -> None:
    item = stack.pop()
    _needs(stack[-1], list).append(item)


def _appends(stack: list[Any]) -> None:
    items = _since_mark(stack)
    _needs(stack[-1], list).extend(items)


def _set(target: Any, items: list[Any]) -> None:
    table = _needs(target, dict)
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, (str, bytes, int, float)):
            raise ValueError(f"the pickle has a dict with a {type(key).__name__} as a key")
        table[key] = value


def _set_item(stack: list[Any]) -> None:
    value, key = stack.pop(), stack.pop()
    _set(stack[-1], [key, value])


def _set_items(stack: list[Any]) -> None:
    items = _since_mark(stack)
    _set(stack[-1], items)


def _dict(stack: list[Any]) -> None:
    items = _since_mark(stack)
    made: dict[Any, Any] = {}
    _set(made, items)
    stack.append(made)


def _tuple_of(count: int) -> Callable[[list[Any]], None]:
    def make(stack: list[Any]) -> None:
        if len(stack) < count:
            raise IndexError
        items = tuple(stack[len(stack) - count :])
        del stack[len(stack) - count :]
        stack.append(items)

    return make


def _needs(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"the pickle treats a {type(value).__name__} as a {kind.__name__}")
    return value


def _global(module: str, name: str) -> _Global:
    known = {
        "numpy.core.multiarray._reconstruct": "reconstruct",
        "numpy._core.multiarray._reconstruct": "reconstruct",
        "numpy.ndarray": "ndarray",
        "numpy.dtype": "dtype",
        "_codecs.encode": "encode",
        "__builtin__.bytes": "bytes",
    }
    if f"{module}.{name}" not in known:
        raise ValueError(f"the pickle asks for {module}.{name}, expected data alone")
    return _Global(known[f"{module}.{name}"])


def _stack_global(stack: list[Any]) -> None:
    name, module = stack.pop(), stack.pop()
    stack.append(_global(_needs(module, str), _needs(name, str)))


def _reduce(stack: list[Any]) -> None:
    """A call: of what is known to describe arrays, the description."""
    arguments, function = _needs(stack.pop(), tuple), stack.pop()
    if function == _Global("reconstruct") and len(arguments) == 3 and arguments[0] == _Global("ndarray"):
        stack.append(_Array())
    elif function == _Global("dtype") and arguments and isinstance(arguments[0], (str, bytes)):
        code = _name(arguments[0])
        if not _DTYPE.fullmatch(code):
            raise ValueError(f"the pickle has an array of dtype {code!r}, expected numbers or lists")
        stack.append(_DType(code))
    elif function == _Global("bytes") and arguments == ():
        stack.append(b"")
    elif function == _Global("encode") and len(arguments) == 2 and arguments[1] == "latin1":
        stack.append(_needs(arguments[0], str).encode("latin1"))
    else:
        raise ValueError("the pickle makes a call, expected data alone")


def _build(stack: list[Any]) -> None:
    """The state of an array, or of its dtype."""
    state, target = _needs(stack.pop(), tuple), stack[-1]
    if isinstance(target, _DType) and len(state) >= 2 and isinstance(state[1], (str, bytes)):
        if _name(state[1]) in ("<", ">"):
            target.code = _name(state[1]) + target.code.lstrip("<>|=")
    elif isinstance(target, _Array) and len(state) == 5 and isinstance(state[2], _DType):
        _, shape, dtype, fortran, content = state
        target.value = _array(_needs(shape, tuple), dtype.code, bool(fortran), content)
    else:
        raise ValueError("the pickle sets the state of something that is no array")


def _name(text: str | bytes) -> str:
    """Python 2 wrote its texts as bytes."""
    return text.decode("latin1") if isinstance(text, bytes) else text


def _array(shape: tuple[Any, ...], code: str, fortran: bool, content: Any) -> np.ndarray:
    if any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"the pickle has an array of shape {shape}")
    count = prod(shape)
    if "O" in code:
        items = _needs(content, list)
        if any(isinstance(item, (_Array, _DType, _Global)) for item in items):
            raise ValueError("the pickle has an array of objects that are neither numbers, texts nor lists")
        if len(items) != count:
            raise ValueError(f"the pickle has an array of shape {shape} with {len(items)} elements")
        objects = np.empty(count, object)
        for index, item in enumerate(items):
            objects[index] = item
        return objects.reshape(shape, order="F" if fortran else "C")
    raw = _needs(content, bytes)
    dtype = np.dtype(code)
    if len(raw) != count * dtype.itemsize:
        raise ValueError(f"the pickle has an array of shape {shape} and {dtype} with {len(raw)} bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C").copy()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _long(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


# Bytes of the length, whether it is signed, and what is made of so many bytes.
_SIZED: dict[int, tuple[int, bool, Callable[[bytes], Any]]] = {
    ord("X"): (4, False, _text),
    0x8C: (1, False, _text),
    0x8D: (8, False, _text),
    ord("B"): (4, False, bytes),
    ord("C"): (1, False, bytes),
    0x8E: (8, False, bytes),
    ord("T"): (4, True, bytes),  # Python 2's text
    ord("U"): (1, False, bytes),
    0x8A: (1, False, _long),
}
_FIXED: dict[int, tuple[int, Callable[[bytes], Any]]] = {
    ord("J"): (4, _long),
    ord("G"): (8, lambda raw: struct.unpack(">d", raw)[0]),
}
_STACK: dict[int, Callable[[list[Any]], None]] = {
    ord("("): lambda stack: stack.append(_MARK),
    ord("]"): lambda stack: stack.append([]),
    ord("}"): lambda stack: stack.append({}),
    ord(")"): lambda stack: stack.append(()),
    ord("N"): lambda stack: stack.append(None),
    0x88: lambda stack: stack.append(True),
    0x89: lambda stack: stack.append(False),
    ord("a"): _append,
    ord("e"): _appends,
    ord("s"): _set_item,
    ord("u"): _set_items,
    ord("d"): _dict,
    ord("l"): lambda stack: stack.append(_since_mark(stack)),
    ord("t"): lambda stack: stack.append(tuple(_since_mark(stack))),
    0x85: _tuple_of(1),
    0x86: _tuple_of(2),
    0x87: _tuple_of(3),
    0x93: _stack_global,
    ord("R"): _reduce,
    ord("b"): _build,
}
_PUT = {ord("q"): 1, ord("r"): 4, 0x94: 0}
_GET = {ord("h"): 1, ord("j"): 4}
_SKIPPED = {0x80: 1, 0x95: 8}  # the protocol's number, the length of a frame
