"""An array in an HDF5 file, described and checked before it is read."""

from __future__ import annotations

import itertools
import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.core.variable import Variable
from nnlite.saving import texts

# The filters of HDF5 that an array may have been written with, by their numbers.
_GZIP, _SHUFFLE, _FLETCHER, _LZF = 1, 2, 3, 32000
_FILTERS = {_GZIP: "gzip", _SHUFFLE: "shuffle", _FLETCHER: "fletcher32", _LZF: "lzf"}
_VIRTUAL = 3  # HDF5's number of a layout
# Parts that an array of any size may be written in, how many bytes of larger ones each must hold, and how large a part
# may be, beside the array itself.
_FEW_CHUNKS, _SMALLEST_CHUNK = 64, 256
_LARGEST_CHUNK = 2**20
_LARGEST_OVERHEAD = 2**10  # of a part that does not pack well, beside twice its size
# From here on it is worth to have HDF5 write into the variable itself.
_LARGE = 2**14


class Stored:
    """An array of numbers in an open HDF5 file: its shape and dtype, and its values when they are asked for.

    NumPy takes it for an array; until then nothing is read.

    Args:
        dataset: the open data set.
        label: the file's name, for messages.

    Raises ``ValueError`` for what is no plain array of numbers: data in another file, other types and filters, parts
    that are larger than the whole.
    """

    def __init__(self, dataset: Any, label: str) -> None:
        self.label, self._dataset = label, dataset
        try:
            settings, dtype, shape = dataset.id.get_create_plist(), dataset.dtype, dataset.shape
            elsewhere = settings.get_external_count() or settings.get_layout() == _VIRTUAL
            self._filters = [int(settings.get_filter(index)[0]) for index in range(settings.get_nfilters())]
            self._is_bfloat16 = dtype.str == "|V2" and _mark(dataset) == "bfloat16"
        except (OSError, LookupError, RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{self.place} is no array that can be read: {error}") from None
        if elsewhere:
            raise ValueError(f"{self.place} keeps its data in another file; only plain arrays are read.")
        if dtype.kind not in "fiub" and not self._is_bfloat16:
            raise ValueError(f"{self.place} has dtype {dtype}; only numbers are read.")
        if shape is None:
            raise ValueError(f"{self.place} has no shape.")
        self.shape: tuple[int, ...] = tuple(int(n) for n in shape)
        self.dtype = np.dtype(np.float32) if self._is_bfloat16 else dtype
        try:
            self._check_parts()
        except (LookupError, TypeError, OverflowError, OSError, RuntimeError) as error:
            raise ValueError(f"{self.place} is no array that can be read: {error}") from None

    @property
    def place(self) -> str:
        """The file and where in it."""
        return f"{self.label}: {str(self._dataset.name).strip('/')}"

    def _check_parts(self) -> None:
        strange = [code for code in self._filters if code not in _FILTERS]
        if strange or len(set(self._filters)) < len(self._filters):
            which = f"filter {strange[0]}" if strange else "the same filter twice"
            raise ValueError(f"{self.place} was written with {which}; only gzip, lzf and shuffle are read.")
        if self._dataset.chunks is None:
            return
        size = self._chunk_size
        if size > max(_LARGEST_CHUNK, 2 * self.nbytes):
            raise ValueError(f"{self.place} is written in parts of {size} bytes, though it has but {self.nbytes}.")
        count = math.prod(len(places) for places in self._starts())
        if count > max(_FEW_CHUNKS, self.nbytes // _SMALLEST_CHUNK):
            raise ValueError(f"{self.place} is written in {count} parts, too many for {self.nbytes} bytes.")
        if not self._is_bfloat16 and not self._has_plain_type():
            raise ValueError(f"{self.place} has numbers of a form of its own, in parts, which are not read.")

    def _starts(self) -> list[range]:
        """Where the parts begin, along each axis."""
        return [range(0, size, int(step)) for size, step in zip(self.shape, self._dataset.chunks, strict=True)]

    def _has_plain_type(self) -> bool:
        import h5py

        return bool(self._dataset.id.get_type() == h5py.h5t.py_create(self._dataset.dtype, logical=True))

    @property
    def _chunk_size(self) -> int:
        return math.prod(map(int, self._dataset.chunks)) * int(self._dataset.dtype.itemsize)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes the values take in memory."""
        return self.size * self.dtype.itemsize

    def misfit(self, variable: Variable) -> str | None:
        """Return what is wrong with the array for a variable, or None: another shape, or another kind of numbers."""
        if self.shape != variable.shape:
            return f"expected {variable.path} {variable.shape}; the file has {self.shape}"
        return self.wrong_kind(variable)

    def wrong_kind(self, variable: Variable) -> str | None:
        """Return what is wrong with the array's kind of numbers for a variable, or None.

        Quantized weights are whole numbers in the place of floats: as they are they would be wrong.
        """
        if (self.dtype.kind == "f") == (variable.value.dtype.kind == "f"):
            return None
        return f"expected {variable.path} of dtype {variable.dtype}; the file has {self.dtype}"

    def read(self) -> NDArray[Any]:
        """Return the values.

        Raises ``ValueError`` if they are damaged.
        """
        try:
            values = np.asarray(self._dataset[()]) if self._dataset.chunks is None else self._unpacked()
        except (OSError, LookupError, RuntimeError, TypeError, ValueError, OverflowError, zlib.error) as error:
            said = str(error)
            raise ValueError(said if said.startswith(self.place) else f"{self.place} is damaged: {said}") from None
        if self._is_bfloat16:  # the upper halves of float32
            return (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        return values

    def read_into(self, variable: Variable) -> None:
        """Write the values, of the variable's shape, into it."""
        if self.nbytes < _LARGE or self._dataset.chunks is not None or self._is_bfloat16:
            variable.assign(self.read())
            return
        try:
            self._dataset.read_direct(variable.value)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{self.place} is damaged: {error}") from None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.read(), dtype)

    def _unpacked(self) -> NDArray[Any]:
        """The values of an array in parts.

        HDF5 believes that a part has the size it should have once it is unpacked: it takes all memory for a longer
        one, and for a shorter one what lies behind it in memory.
        """
        dataset, size, values = self._dataset, self._chunk_size, np.empty(self.shape, self._dataset.dtype)
        values[...] = dataset.fillvalue if values.dtype.kind != "V" else np.zeros((), values.dtype)
        for start in itertools.product(*self._starts()):
            stored = dataset.id.get_chunk_info_by_coord(start)
            if stored.byte_offset is None or not stored.size:
                continue  # never written
            fits = stored.size <= 2 * size + _LARGEST_OVERHEAD if self._filters else stored.size == size
            if not fits:  # without filters, HDF5 would write beyond the memory it takes
                raise ValueError(f"a part of {size} bytes is kept in {stored.size}")
            mask, content = dataset.id.read_direct_chunk(start)
            chunk = np.frombuffer(self._unfiltered(content, mask), values.dtype).reshape(dataset.chunks)
            place = tuple(slice(s, s + n) for s, n in zip(start, dataset.chunks, strict=True))
            part = values[place]
            part[...] = chunk[tuple(map(slice, part.shape))]
        return values

    def _unfiltered(self, content: Any, skipped: int) -> Any:
        size = self._chunk_size
        for number, code in reversed(list(enumerate(self._filters))):
            if skipped >> number & 1:
                continue
            if code == _FLETCHER:
                content = content[:-4]  # a checksum, of what has one of its own
            elif code == _GZIP:
                content = zlib.decompressobj().decompress(content, size + 5)
            elif code == _SHUFFLE:
                width = self._dataset.dtype.itemsize
                content = np.ascontiguousarray(np.frombuffer(content, np.uint8).reshape(width, -1).T).tobytes()
            else:
                content = _unpacked_lzf(bytes(content), size)
        if len(content) != size:
            which = "or more" if len(content) > size else "only"
            raise ValueError(f"a part of {size} bytes unpacks to {len(content)} {which}")
        return content


def _unpacked_lzf(packed: bytes, most: int) -> bytes:
    """What lzf packed, as far as ``most`` bytes and one run: runs of new bytes, and repetitions of what came before."""
    made, at = bytearray(), 0
    while at < len(packed) and len(made) <= most:
        control, at = packed[at], at + 1
        if control < 32:
            made += packed[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length, at = length + packed[at], at + 1
        length, back, at = length + 2, ((control & 31) << 8) + packed[at] + 1, at + 1
        if back > len(made):
            raise ValueError("it repeats what does not stand before it")
        run = made[-back:][:length]
        made += (run * -(-length // len(run)))[:length]
    return bytes(made)


def _mark(dataset: Any) -> str:
    """The name of a type that HDF5 does not have, as Keras notes it in an attribute."""
    import h5py

    key = b"dtype"
    if not h5py.h5a.exists(dataset.id, key):
        return ""
    attribute = h5py.h5a.open(dataset.id, key)
    if attribute.get_type().get_class() != h5py.h5t.STRING or attribute.get_space().get_simple_extent_npoints() != 1:
        return ""
    if attribute.get_type().is_variable_str():
        return texts.read(dataset, key, 100)[0].decode("utf-8", "replace")
    return bytes(dataset.attrs["dtype"])[:100].decode("utf-8", "replace") if attribute.get_storage_size() < 100 else ""
