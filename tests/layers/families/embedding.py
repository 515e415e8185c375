"""Cases of embeddings and masking."""

from layers.case import Case

from nnlite import layers

CASES = [
    Case("embedding", lambda: layers.Embedding(7, 3), (5,), integers=7),
    Case("embedding_one", lambda: layers.Embedding(1, 1), (), integers=1),
    Case("embedding_deep", lambda: layers.Embedding(3, 2), (2, 3), integers=3),
    Case(
        "embedding_regularized",
        lambda: layers.Embedding(7, 3, embeddings_regularizer="l2", mask_zero=True, activity_regularizer="l1"),
        (5,),
        integers=7,
    ),
    Case("masking", lambda: layers.Masking(), (4, 3)),
    Case("masking_infinity", lambda: layers.Masking(float("inf")), (4, 3)),
]
