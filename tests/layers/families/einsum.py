"""Cases of EinsumDense."""

from layers.case import Case

from nnlite.layers import EinsumDense

CASES = [
    Case("einsum_dense", lambda: EinsumDense("ab,bc->ac", 3), (5,)),
    Case("einsum_dense_heads", lambda: EinsumDense("abc,cde->abde", (None, 3, 2), bias_axes="de"), (7, 5)),
    Case("einsum_dense_merge", lambda: EinsumDense("abcd,cde->abe", (None, 5), "relu", bias_axes="e"), (3, 2, 4)),
    Case("einsum_dense_ellipsis", lambda: EinsumDense("...x,xy->...y", 3, "gelu", bias_axes="y"), (4, 3, 5)),
    Case("einsum_dense_right_ellipsis", lambda: EinsumDense("ab...,bc->ac...", 3, bias_axes="c"), (5, 2, 3)),
    Case("einsum_dense_no_ellipsis_axes", lambda: EinsumDense("...x,xy->...y", 1, bias_axes="y"), (1,)),
    Case("einsum_dense_per_step", lambda: EinsumDense("abc,bcd->abd", (7, 3), "tanh", bias_axes="bd"), (7, 5)),
    Case("einsum_dense_lost_axis", lambda: EinsumDense("abc,cd->ad", 3, bias_axes="d"), (4, 5)),
    Case("einsum_dense_turned", lambda: EinsumDense("abc,dc->adb", (3, None), "softmax", bias_axes="b"), (4, 5)),
    Case("einsum_dense_scale", lambda: EinsumDense("abc,c->abc", (None, 5), bias_axes="bc"), (4, 5)),
    Case("einsum_dense_outer", lambda: EinsumDense("ab,c->abc", (5, 3), bias_axes="b"), (5,)),
    Case("einsum_dense_turned_kernel", lambda: EinsumDense("abc,edc->ade", (2, 3), bias_axes="de"), (4, 5)),
]
