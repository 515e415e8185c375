from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import oracles

from nnlite.kernels.windows import Axis, axes, axis, output_size, per_axis, taps

numbers = st.tuples(st.integers(1, 12), st.integers(1, 6), st.integers(1, 4), st.integers(1, 3))


def reach(one: Axis) -> int:
    return (one.kernel - 1) * one.dilation + 1


@given(numbers, st.sampled_from(["valid", "same", "causal"]))
def test_sizes_and_padding_are_those_of_the_definition(settings, padding):
    size, kernel, stride, dilation = settings
    if padding == "valid" and size < (kernel - 1) * dilation + 1:
        with pytest.raises(ValueError, match=f"size {size} is shorter"):
            axis(padding, *settings)
        return
    one = axis(padding, *settings)
    assert (one.before, one.out) == oracles.padding_before(padding, *settings)
    assert one.out == output_size(size, kernel, stride, padding, dilation)
    # the last window ends inside the padded input, and one more would not fit
    ends = (one.out - 1) * stride + reach(one)
    assert ends <= one.before + size + one.after
    assert one.after >= 0 and (padding == "valid" or one.out == -(-size // stride))


@given(numbers, st.sampled_from(["valid", "same", "causal"]))
def test_taps_meet_exactly_the_inputs_inside(settings, padding):
    size, kernel, stride, dilation = settings
    if padding == "valid" and size < (kernel - 1) * dilation + 1:
        return
    one = axis(padding, *settings)
    for t in range(kernel):
        windows, inputs = one.tap(t)
        pairs = list(zip(range(one.out)[windows], range(size)[inputs], strict=True))
        wanted = [(o, o * stride - one.before + t * dilation) for o in range(one.out)]
        assert pairs == [(o, i) for o, i in wanted if 0 <= i < size]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 3), st.sampled_from(["valid", "same", "causal"]))
def test_the_mirrored_axis_pairs_the_same_windows_and_inputs(size, kernel, dilation, padding):
    if padding == "valid" and size < (kernel - 1) * dilation + 1:
        return
    one = axis(padding, size, kernel, 1, dilation)
    back = one.mirrored()
    assert back.before >= 0 and back.after >= 0

    def pairs(a, t):
        return set(zip(range(a.out)[a.tap(t)[0]], range(a.size)[a.tap(t)[1]], strict=True))

    for t in range(kernel):
        assert pairs(back, kernel - 1 - t) == {(i, o) for o, i in pairs(one, t)}


def test_keras_same_puts_the_odd_zero_at_the_end():
    assert axis("same", 5, 2)[4:6] == (0, 1)
    assert axis("same", 6, 3, 2)[4:6] == (0, 1)
    assert axis("causal", 6, 3, 1, 2)[4:6] == (4, 0)


def test_taps_run_in_row_major_order():
    order = [index for index, _, _ in taps(axes("valid", (3, 4), (2, 2), (1, 1), (1, 1)))]
    assert order == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_errors_say_what_came_and_what_was_expected():
    with pytest.raises(ValueError, match="'fullish', expected one of 'valid', 'same', 'causal'"):
        output_size(5, 3, padding="fullish")
    with pytest.raises(
        ValueError, match=r"size 4 is shorter than the window, which spans 5 \(3 taps, dilation 2\).*'same'"
    ):
        output_size(4, 3, dilation=2)
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        output_size(4, 3, 0)
    with pytest.raises(ValueError, match="one spatial axis"):
        axes("causal", (3, 4), (2, 2), (1, 1), (1, 1))
    with pytest.raises(ValueError, match=r"strides: got \(1, 2\), expected one number or 3"):
        per_axis((1, 2), 3, "strides")
