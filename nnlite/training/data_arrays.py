"""Arrays of rows: what counts as one, and how a batch of its rows is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# What a batch is asked for: a range of rows, or their numbers in any order.
RowIndex = Any


class Rows:
    """A range of the rows of an array that is not in memory, such as an h5py data set; read only when asked.

    ``rows[a:b]`` and ``rows[[7, 2, 5]]`` read those rows and return them as an ndarray, in the order asked for.
    Whatever has ``shape``, ``dtype`` and ``source[sorted row numbers]`` can be the source.

    >>> class Squares:
    ...     shape, dtype = (10,), np.dtype("int64")
    ...     def __getitem__(self, rows):
    ...         return np.arange(10)[rows] ** 2
    >>> tail = Rows(Squares(), 6, 10)
    >>> len(tail), tail[0:2], tail[np.array([3, 0])]
    (4, array([36, 49]), array([81, 36]))
    """

    def __init__(self, source: Any, start: int, stop: int) -> None:
        self.source = source
        self.start = start
        self.stop = stop
        self.shape = (stop - start, *source.shape[1:])
        self.ndim = len(self.shape)
        self.dtype = np.dtype(source.dtype)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, rows: RowIndex) -> np.ndarray:
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step != 1:
                raise IndexError(f"rows: got a step of {step}, only ranges of consecutive rows can be read.")
            return np.asarray(self.source[self.start + start : self.start + max(start, stop)])
        rows = np.asarray(rows)
        if not len(rows):
            return np.empty((0, *self.shape[1:]), self.dtype)
        # HDF5 reads rows only in increasing order: read them so, then put each where it was asked for.
        order = np.argsort(rows)
        wanted = rows[order] + self.start
        first, last = int(wanted[0]), int(wanted[-1])
        read = np.asarray(self.source[first : last + 1] if last - first + 1 == len(rows) else self.source[wanted])
        out = np.empty_like(read)
        out[order] = read
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def __repr__(self) -> str:
        return f"Rows({self.source!r}, {self.start}, {self.stop})"


def is_array(value: Any) -> bool:
    """Return whether ``value`` is an array of rows in memory or elsewhere: something with a shape of >= 1 axes."""
    return not isinstance(value, np.generic) and _shape(value) not in ((), None)


def is_structure(value: Any) -> bool:
    """Return whether ``value`` is a list or dict of arrays, rather than one array or array-like."""
    if isinstance(value, dict):
        return True
    return isinstance(value, (list, tuple)) and any(is_array(v) or isinstance(v, dict) for v in value)


def is_array_like(value: Any) -> bool:
    """Return whether ``value`` holds rows by itself (unlike an iterator that gives batches)."""
    return (
        isinstance(value, (list, tuple, dict, int, float, str, bytes)) or _shape(value) is not None or _is_frame(value)
    )


def _shape(value: Any) -> Any:
    try:
        return getattr(value, "shape", None)
    except Exception as error:
        raise ValueError(f"Cannot read this {type(value).__name__}: {error}. Is its file closed?") from error


def map_leaves(value: Any, function: Callable[[Any, str], Any], name: str) -> Any:
    """Apply ``function(leaf, its name)`` to an array, or to each in lists and dicts; None stays None."""
    if value is None:
        return None
    if not is_structure(value):
        return function(value, name)
    if isinstance(value, dict):
        return {key: map_leaves(v, function, f"{name}[{key!r}]") for key, v in value.items()}
    return [map_leaves(v, function, f"{name}[{i}]") for i, v in enumerate(value)]


def leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the array of each leaf of what :func:`arrays` returned."""
    if isinstance(value, dict):
        for key, v in value.items():
            yield from leaves(v, f"{name}[{key!r}]")
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from leaves(v, f"{name}[{i}]")
    elif value is not None:
        yield name, value


def arrays(value: Any, name: str, texts: bool = False) -> Any:
    """Return ``value`` with every array-like in it as an ndarray, or as :class:`Rows` where it is not in memory.

    Nothing is copied that was an array already. Raises ``ValueError`` or ``TypeError`` that names the leaf.
    """
    return map_leaves(value, lambda leaf, its_name: as_array(leaf, its_name, texts), name)


def as_array(value: Any, name: str, texts: bool = False) -> np.ndarray | Rows:
    """Return one array-like as an ndarray with a row axis, or as :class:`Rows` where it is not in memory.

    It holds numbers or, if ``texts`` may be, texts: str or bytes, in an array of their own dtype or of objects.
    """
    array: np.ndarray | Rows
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: got a masked array, expected plain numbers. Fill the gaps first: {name}.filled(0).")
    if isinstance(value, np.ndarray):
        array = value.view(np.ndarray)  # a memory map stays one: the pages are read when the rows are
    elif isinstance(value, Rows):
        array = value
    elif hasattr(value, "tocsr") or hasattr(value, "todense"):
        raise TypeError(
            f"{name}: got a sparse matrix ({type(value).__name__}), expected a dense array. Pass {name}.toarray(), "
            f"or batches made dense one by one by a generator."
        )
    elif _is_frame(value):
        array = _frame_to_array(value, name, texts)
    elif _is_elsewhere(value):
        if not (texts and np.dtype(value.dtype).kind in "OUST"):  # whoever takes texts looks at the objects
            _check_dtype(np.dtype(value.dtype), name)
        return Rows(value, 0, value.shape[0])
    elif isinstance(value, (str, bytes)) or callable(value):
        raise TypeError(f"{name}: got {value!r}, expected an array of numbers{' or texts' if texts else ''}.")
    else:
        try:
            array = np.asarray(value, object if texts and _is_text(_first(value)) else None)
            if texts and array.dtype.kind in "US" and isinstance(value, (list, tuple)):
                array = np.asarray(value, object)  # in which numbers among the texts stay what they are
        except (ValueError, TypeError, RuntimeError) as error:
            hint = (
                " Rows of different lengths must be padded or cut to one." if isinstance(value, (list, tuple)) else ""
            )
            raise ValueError(f"{name}: cannot make one array of this {type(value).__name__}: {error}{hint}") from error
    if array.ndim == 0:
        raise ValueError(f"{name}: got {value!r}, expected an array with at least one axis, the rows.")
    if texts and array.dtype.kind in "OUST":
        _check_texts(array, name)
    else:
        _check_dtype(array.dtype, name)
    return array


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def _first(value: Any) -> Any:
    """The first of what nested lists hold; texts stay objects, for in an array each takes the room of the longest."""
    while isinstance(value, (list, tuple)) and len(value):
        value = value[0]
    return value


def _check_texts(array: np.ndarray | Rows, name: str) -> None:
    if array.dtype.kind != "O" or isinstance(array, Rows):
        return
    for number, one in enumerate(array.flat):
        if not _is_text(one):
            row = number // max(1, array.size // len(array))
            if isinstance(one, (list, tuple, np.ndarray)):
                raise ValueError(
                    f"{name}: row {row} holds {one!r} where a text was expected; rows of different lengths must be "
                    f"padded with '' or cut to one."
                )
            raise TypeError(
                f"{name}: got {one!r} among the texts, in row {row}, expected str or bytes. Put '' where none is known."
            )


def _check_dtype(dtype: np.dtype, name: str) -> None:
    # kind "V" without fields is how bfloat16 and the 8-bit floats of ml_dtypes look
    if dtype.kind in "biuf" or (dtype.kind == "V" and dtype.names is None and dtype.name[0] in "bf"):
        return
    hint = {
        "O": " It holds Python objects: rows of different lengths, text or missing values. Make it one array of "
        "numbers, for example with np.stack or .astype('float32').",
        "U": " Text has to become numbers first: label numbers for y, an encoding for x.",
        "S": " Text has to become numbers first: label numbers for y, an encoding for x.",
        "T": " Text has to become numbers first: label numbers for y, an encoding for x.",
        "c": " Give real and imaginary parts as two features.",
        "M": " Give times as numbers, for example seconds since the first.",
        "m": " Give times as numbers, for example in seconds.",
    }.get(dtype.kind, "")
    raise TypeError(f"{name}: got an array of dtype {dtype}, expected numbers (float, integer or bool).{hint}")


def _is_frame(value: Any) -> bool:
    """Return whether ``value`` is a pandas frame, series or array, found without importing pandas."""
    return hasattr(value, "to_numpy") and type(value).__module__.partition(".")[0] == "pandas"


def _frame_to_array(value: Any, name: str, texts: bool) -> np.ndarray:
    kinds = {getattr(dtype, "kind", "O") for dtype in (value.dtypes if value.ndim == 2 else [value.dtype])}
    if texts and not kinds & set("biuf"):
        array = np.asarray(value.to_numpy(dtype=object))
        return array[:, None] if array.ndim == 1 else array
    if not kinds <= set("biuf"):
        if value.ndim == 2:
            bad = [
                f"{column!r} ({dtype})"
                for column, dtype in value.dtypes.items()
                if getattr(dtype, "kind", "O") not in "biuf"
            ]
            raise TypeError(
                f"{name}: column(s) {', '.join(bad[:5])}{', ...' if len(bad) > 5 else ''} of the "
                f"{type(value).__name__} do not hold numbers. Encode them (pandas.get_dummies, .cat.codes) "
                f"or leave them out."
            )
        raise TypeError(
            f"{name}: got a {type(value).__name__} of {value.dtype}, expected numbers. Text and categories have to "
            f"become numbers first (.astype('category').cat.codes)."
        )
    array = np.asarray(value.to_numpy())
    if array.dtype == object:
        # bool beside float, or pandas' nullable numbers: NA becomes NaN, and whole numbers stay so where none is NA
        whole = "f" not in kinds and not np.asarray(value.isna()).any()
        array = value.to_numpy(dtype="int64") if whole else value.to_numpy(dtype="float64", na_value=np.nan)
    # as in Keras, a column by itself is a matrix of one column
    return array[:, None] if array.ndim == 1 and not name.startswith("sample_weight") else array


def _is_elsewhere(value: Any) -> bool:
    """Return whether ``value`` is an array that lives in a file or a chunked store, to be read in parts."""
    if not (hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "__getitem__")):
        return False
    if hasattr(value, "__array_interface__") or hasattr(value, "__dlpack__"):
        return False  # in memory already, in the hands of another library
    try:
        np.dtype(value.dtype)
        return len(value.shape) > 0
    except (TypeError, ValueError):
        return False


def reader(value: Any) -> Callable[[RowIndex], Any]:
    """Return a function that reads the given rows of all arrays in ``value``, the result of :func:`arrays`.

    A slice gives views of arrays in memory, row numbers give copies.
    """
    if value is None:
        return lambda rows: None
    if isinstance(value, dict):
        named = {key: reader(v) for key, v in value.items()}
        return lambda rows: {key: read(rows) for key, read in named.items()}
    if isinstance(value, list):
        listed = [reader(v) for v in value]
        return lambda rows: [read(rows) for read in listed]
    if isinstance(value, np.ndarray) and value.flags.c_contiguous and value.flags.aligned and value.dtype.isnative:
        take = value.take
        return lambda rows: value[rows] if type(rows) is slice else take(rows, 0)
    # take() would first copy the whole of an array in another layout or byte order; indexing copies the rows alone
    rows: Callable[[RowIndex], Any] = value.__getitem__
    return rows


def check_rows(named: list[tuple[str, Any]]) -> int:
    """Return the number of rows that all arrays have.

    Raises ``ValueError`` with every name and length if they differ or there are none.
    """
    counts = {name: len(array) for name, array in named}
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{name}: {count}" for name, count in list(counts.items())[:8])
        inputs = [name for name in counts if name.startswith("x[")]
        others = {count for name, count in counts.items() if name not in inputs}
        hint = ""
        if len(inputs) in others:
            hint = (
                f" x is a list of {len(inputs)} arrays, which means {len(inputs)} inputs; "
                f"for {len(inputs)} samples pass np.stack(x)."
            )
        elif len(others) > 1 and "y" in counts and "x" in counts:
            hint = " Each row of x needs one row of y."
        raise ValueError(f"All arrays must have the same number of rows, got {shown}.{hint}")
    rows = next(iter(counts.values()))
    if rows == 0:
        raise ValueError(f"{next(iter(counts))}: got an empty data set (0 rows), expected at least one row.")
    return rows
