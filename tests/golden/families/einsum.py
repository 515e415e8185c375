"""Calls of EinsumDense: each form of equation, bias and activation."""

from golden.family import Case

LAYERS = [
    Case("EinsumDense('ab,bc->ac', output_shape=3, bias_axes='c')", (2, 5)),
    Case("EinsumDense('abc,cd->abd', output_shape=(4, 3), bias_axes='d', activation='relu')", (2, 4, 5)),
    Case(
        "EinsumDense('...x,xy->...y', output_shape=3, bias_axes='y', kernel_initializer='he_normal')",
        (2, 4, 3, 5),
        facts=False,
    ),
    Case("EinsumDense('...x,xy->...y', output_shape=3)", (2, 5)),
    Case("EinsumDense('...ab,bc->...ac', output_shape=(4, 3), bias_axes='ac')", (2, 2, 4, 5)),
    Case("EinsumDense('ab...,bc->ac...', output_shape=3, bias_axes='c', activation='tanh')", (2, 5, 3, 2)),
    Case("EinsumDense('abc,cde->abde', output_shape=(4, 3, 2), bias_axes='de')", (2, 4, 5)),
    Case(
        "EinsumDense('abcd,cde->abe', output_shape=(None, 3), bias_axes='e', activation='gelu')",
        (2, 4, 3, 2),
        facts=False,
    ),
    Case("EinsumDense('abc,bcd->abd', output_shape=(4, 3), bias_axes='b')", (2, 4, 5)),
    Case("EinsumDense('abc,dc->adb', output_shape=(3, 4), bias_axes='b', activation='softmax')", (2, 4, 5)),
    Case("EinsumDense('abc,cd->ad', output_shape=3, bias_axes='d', kernel_regularizer='l2')", (2, 4, 5)),
    Case("EinsumDense('abc,c->abc', output_shape=(4, 5), bias_axes='bc', bias_initializer='ones')", (2, 4, 5)),
]
