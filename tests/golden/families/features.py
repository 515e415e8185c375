"""Normalization and CategoryEncoding."""

from golden.family import Case, Ints, Values

LAYERS = [
    Case("Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.0, 9.0])", (4, 3)),
    Case("Normalization(mean=2.0, variance=3.0)", (4, 3)),
    Case("Normalization(axis=None, mean=2.0, variance=3.0, invert=True)", (2, 3, 2)),
    Case(
        "Normalization(axis=(1, 3), mean=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], variance=[[1.0, 2.0]] * 3)", (2, 3, 4, 2)
    ),
    Case("Normalization(axis=[2, -1], mean=[1.0, 2.0], variance=[4.0, 5.0], invert=True)", (2, 3, 4, 2)),
    Case("Normalization(axis=1, mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 9.0])", Ints((2, 3, 2), 9), gradient=False),
    Case("Normalization()", (4, 3), call="(layer.adapt(np.arange(15.0).reshape(5, 3) ** 2), layer(x))[1]", facts=False),
    Case(
        "Normalization(axis=(1, 2))",
        (2, 3, 2),
        call="(layer.adapt(np.sin(np.arange(24.0)).reshape(4, 3, 2)), layer(x))[1]",
        facts=False,
    ),
    Case("Normalization(axis=None)", (4, 3), call="(layer.adapt(np.arange(4.0)), layer(x))[1]", facts=False),
    Case(
        "Normalization()",
        (4, 3),
        call="(layer.adapt([np.arange(6.0).reshape(2, 3), np.arange(9.0).reshape(3, 3) ** 2]), layer(x))[1]",
        facts=False,
    ),
    Case("CategoryEncoding(5, 'one_hot')", Ints((4,), 5), gradient=False),
    Case("CategoryEncoding(5, 'one_hot')", Ints((4, 1), 5), gradient=False),
    Case("CategoryEncoding(num_tokens=5, output_mode='one_hot')", Ints((4, 3), 5), gradient=False),
    Case("CategoryEncoding(5)", Ints((4, 3), 5), gradient=False),
    Case("CategoryEncoding(5, 'binary')", Ints((4, 1), 5), gradient=False),
    Case("CategoryEncoding(5, 'multi_hot')", Ints((3,), 5), gradient=False),
    Case("CategoryEncoding(4, output_mode='count')", Ints((3, 6), 4), gradient=False),
    Case(
        "CategoryEncoding(4, 'count')",
        Ints((3, 2), 4),
        options={"count_weights": Values([[1, 2], [3, 4], [0.5, 0]])},
        gradient=False,
    ),
]
