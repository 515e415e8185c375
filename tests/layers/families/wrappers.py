"""Cases of layers around layers."""

from layers.case import Case, lengths_mask

import nnlite
from nnlite import layers


def net():
    return nnlite.Sequential([layers.Dense(4, activation="tanh"), layers.BatchNormalization(), layers.Dense(2)])


CASES = [
    Case("wrapper", lambda: layers.Wrapper(layers.Dense(3)), (4,)),
    Case("time_distributed", lambda: layers.TimeDistributed(layers.Dense(3, activation="tanh")), (5, 2)),
    Case("time_distributed_images", lambda: layers.TimeDistributed(layers.Conv2D(2, 2)), (2, 4, 3, 2)),
    Case("time_distributed_norm", lambda: layers.TimeDistributed(layers.BatchNormalization()), (4, 3)),
    Case(
        "time_distributed_norm_masked",
        lambda: layers.TimeDistributed(layers.BatchNormalization(epsilon=0.5)),
        (4, 3),
        options=lambda rng, batch: {"mask": lengths_mask(rng, batch, 4)},
    ),
    Case(
        "time_distributed_sequences",
        lambda: layers.TimeDistributed(layers.GRU(2, return_sequences=True)),
        (2, 4, 3),
        options=lambda rng, batch: {"mask": lengths_mask(rng, 2 * batch, 4).reshape(batch, 2, 4)},
    ),
    Case("time_distributed_net", lambda: layers.TimeDistributed(net()), (3, 2)),
    Case("time_distributed_ints", lambda: layers.TimeDistributed(layers.Embedding(5, 2)), (3, 4), integers=5),
    Case(
        "time_distributed_penalties",
        lambda: layers.TimeDistributed(
            layers.TimeDistributed(
                layers.Wrapper(layers.Dense(2, activity_regularizer="l2"), activity_regularizer="l1")
            )
        ),
        (2, 3, 4),
    ),
]
