"""Cases of Normalization, Discretization, CategoryEncoding and the layers of vocabularies."""

from layers.case import Case

from nnlite import layers

CASES = [
    Case("normalization", lambda: layers.Normalization(), (5, 3)),
    Case("normalization_given", lambda: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.5]), (3,)),
    Case(
        "normalization_inverted", lambda: layers.Normalization(axis=None, mean=1.0, variance=4.0, invert=True), (5, 3)
    ),
    Case("discretization", lambda: layers.Discretization([-0.5, 0.0, 0.5]), (3,), smooth=False),
    Case("discretization_counts", lambda: layers.Discretization([0.0], output_mode="count"), (3,), smooth=False),
    Case("category_one_hot", lambda: layers.CategoryEncoding(4, "one_hot"), (3,), integers=4, smooth=False),
    Case("category_multi_hot", lambda: layers.CategoryEncoding(4), (3,), integers=4, smooth=False),
    Case("category_count", lambda: layers.CategoryEncoding(4, "count"), (3,), integers=4, smooth=False),
    Case("integer_lookup", lambda: layers.IntegerLookup(vocabulary=[2, 5, 1]), (3,), integers=8, smooth=False),
    Case(
        "integer_lookup_counts",
        lambda: layers.IntegerLookup(vocabulary=[2, 5], num_oov_indices=3, output_mode="count"),
        (3,),
        integers=8,
        smooth=False,
    ),
    Case(
        "integer_lookup_tf_idf",
        lambda: layers.IntegerLookup(vocabulary=[2, 5], idf_weights=[0.5, 0.25], output_mode="tf_idf"),
        (3,),
        integers=8,
        smooth=False,
    ),
    Case(
        "string_lookup_inverted",
        lambda: layers.StringLookup(vocabulary=["a", "b"], invert=True),
        (3,),
        integers=4,
        smooth=False,
    ),
    Case(
        "string_lookup", lambda: layers.StringLookup(vocabulary=["a", "b"]), (3,), words=["a", "b", "c"], smooth=False
    ),
    Case(
        "text_vectorization",
        lambda: layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=4),
        (1,),
        words=["A b", "c", "b, a!"],
        smooth=False,
    ),
    Case(
        "text_vectorization_counts",
        lambda: layers.TextVectorization(vocabulary=["a", "b"], output_mode="count", ngrams=2),
        (1,),
        words=["A b", "c", "b, a!"],
        smooth=False,
    ),
]
