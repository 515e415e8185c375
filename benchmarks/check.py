"""Results before speed: what is timed must be right."""

from __future__ import annotations

import numpy as np

from benchmarks.processes import Worker

STEPS, BATCH = 4, 16


def check(workers: list[Worker], nets: list[str]) -> list[str]:
    """Compare each contender's losses and predictions with nnlite's, from the same weights; return a line for each net.

    Losses are those of a few steps of plain gradient descent, because libraries add Adam's epsilon in different
    places. Raises ``AssertionError`` if losses differ by more than 1 part in 1,000 of the first or outputs by more than
    1 in 1,000 of the largest (float32 products are summed in different orders, and max pooling can flip at near ties).
    """
    ours, peers = workers[0], workers[1:]
    lines = []
    for net in nets:
        ours.ask("weights", net=net)
        for worker in workers:
            if worker.name == "torch":
                worker.ask("export", net=net)
        losses = ours.ask("losses", net=net, batch=BATCH, steps=STEPS)["losses"]
        assert np.isfinite(losses).all() and losses[-1] < losses[0], f"{net}: the loss does not fall: {losses}"
        outputs = np.array(ours.ask("outputs", net=net, batch=BATCH)["outputs"])
        agree, without = [], []
        for peer in peers:
            if not peer.has(net):
                continue
            if peer.hello["trains"]:
                theirs = peer.ask("losses", net=net, batch=BATCH, steps=STEPS)["losses"]
                message = f"{net}: losses of {peer.name} differ"
                np.testing.assert_allclose(theirs, losses, rtol=0, atol=1e-3 * losses[0], err_msg=message)
            answer = peer.ask("outputs", net=net, batch=BATCH)
            if "cannot" in answer:
                without.append(f"{peer.name}: {answer['cannot']}")
                continue
            theirs, mine = np.array(answer["outputs"]), outputs
            if peer.name == "scikit-learn":  # logits are known but for a number for each row
                theirs, mine = theirs - theirs[:, :1], mine - mine[:, :1]
            bound = 1e-3 * np.abs(mine).max()
            np.testing.assert_allclose(theirs, mine, rtol=0, atol=bound, err_msg=f"{net}: outputs of {peer.name}")
            agree.append(peer.name)
        shown = " ".join(f"{loss:.4f}" for loss in losses)
        with_whom = f"the same in {', '.join(agree)}" if agree else "nothing to compare with"
        lines.append("; ".join([f"{net}: losses {shown}, {with_whom}", *without]))
    return lines
