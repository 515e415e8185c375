"""Hashes of texts, the same in every process and on every machine: for words that a vocabulary does not hold."""

from __future__ import annotations

_M = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def fingerprint64(s: bytes) -> int:
    """Return the 64-bit fingerprint of FarmHash (G. Pike, 2014), on which TensorFlow's fast hash buckets rest.

    >>> fingerprint64(b"hello") % 7
    5
    """
    n = len(s)
    if n > 64:
        return _long(s)
    if n > 32:
        return _33_to_64(s)
    if n > 16:
        mul = _K2 + n * 2
        a, b, c, d = _at(s, 0) * _K1 & _M, _at(s, 8), _at(s, n - 8) * mul & _M, _at(s, n - 16) * _K2 & _M
        return _mix(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c, mul)
    if n >= 8:
        mul = _K2 + n * 2
        a, b = _at(s, 0) + _K2 & _M, _at(s, n - 8)
        return _mix(_rotate(b, 37) * mul + a, (_rotate(a, 25) + b) * mul, mul)
    if n >= 4:
        first, last = (int.from_bytes(part, "little") for part in (s[:4], s[-4:]))
        return _mix(n + (first << 3), last, _K2 + n * 2)
    if n:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[-1] << 2)
        return _shift((y * _K2 ^ z * _K0) & _M) * _K2 & _M
    return _K2


def siphash24(s: bytes, key: tuple[int, int]) -> int:
    """Return SipHash-2-4 (J.-P. Aumasson and D. Bernstein, 2012) of a text under a key of two 64-bit numbers.

    >>> hex(siphash24(bytes(range(15)), (0x0706050403020100, 0x0F0E0D0C0B0A0908)))
    '0xa129ca6149be45e5'
    """
    k0, k1 = key[0] & _M, key[1] & _M
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = s + bytes(7 - len(s) % 8) + bytes([len(s) & 255])
    for start in range(0, len(padded), 8):
        word = _at(padded, start)
        v[3] ^= word
        _sip_round(v)
        _sip_round(v)
        v[0] ^= word
    v[2] ^= 255
    for _ in range(4):
        _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_round(v: list[int]) -> None:
    a, b, c, d = v
    a = a + b & _M
    c = c + d & _M
    b, d = _left(b, 13) ^ a, _left(d, 16) ^ c
    a = _left(a, 32)
    c = c + b & _M
    a = a + d & _M
    b, d = _left(b, 17) ^ c, _left(d, 21) ^ a
    v[:] = a, b, _left(c, 32), d


def _left(x: int, by: int) -> int:
    return (x << by | x >> 64 - by) & _M


def _rotate(x: int, by: int) -> int:
    x &= _M
    return (x >> by | x << 64 - by) & _M


def _at(s: bytes, start: int) -> int:
    return int.from_bytes(s[start : start + 8], "little")


def _shift(x: int) -> int:
    return x ^ x >> 47


def _mix(u: int, v: int, mul: int) -> int:
    v &= _M
    a = _shift((u & _M ^ v) * mul & _M)
    return _shift((v ^ a) * mul & _M) * mul & _M


def _33_to_64(s: bytes) -> int:
    n = len(s)
    mul = _K2 + n * 2
    a, b, c, d = _at(s, 0) * _K2 & _M, _at(s, 8), _at(s, n - 8) * mul & _M, _at(s, n - 16) * _K2 & _M
    y = _rotate(a + b, 43) + _rotate(c, 30) + d & _M
    z = _mix(y, a + _rotate(b + _K2, 18) + c, mul)
    e, f = _at(s, 16) * mul & _M, _at(s, 24)
    g, h = (y + _at(s, n - 32)) * mul & _M, (z + _at(s, n - 24)) * mul & _M
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _weak(s: bytes, start: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_at(s, start + 8 * i) for i in range(4))
    a = a + w & _M
    b = _rotate(b + a + z, 21)
    c = a
    a = a + x + y & _M
    b = b + _rotate(a, 44) & _M
    return a + z & _M, b + c & _M


def _long(s: bytes) -> int:
    x, y = 81, (81 * _K1 + 113) & _M
    z = _shift((y * _K2 + 113) & _M) * _K2 & _M
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _at(s, 0)) & _M
    end = (len(s) - 1) // 64 * 64
    for start, last in [*((start, False) for start in range(0, end, 64)), (len(s) - 64, True)]:
        mul = _K1
        if last:  # the last 64 bytes, which overlap those before
            mul = _K1 + ((z & 255) << 1)
            w = (w[0] + (len(s) - 1 & 63) & _M, w[1])
            v = (v[0] + w[0] & _M, v[1])
            w = (w[0] + v[0] & _M, w[1])
        x = _rotate(x + y + v[0] + _at(s, start + 8), 37) * mul & _M
        y = _rotate(y + v[1] + _at(s, start + 48), 42) * mul & _M
        x ^= w[1] * (9 if last else 1) & _M
        y = y + v[0] * (9 if last else 1) + _at(s, start + 40) & _M
        z = _rotate(z + w[0], 33) * mul & _M
        v = _weak(s, start, v[1] * mul & _M, x + w[0] & _M)
        w = _weak(s, start + 32, z + w[1] & _M, y + _at(s, start + 16) & _M)
        z, x = x, z
    return _mix(
        _mix(v[0], w[0], mul) + _shift(y) * _K0 + z,
        _mix(v[1], w[1], mul) + x,
        mul,
    )
