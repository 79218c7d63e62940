"""Error rates of agents from their votes, by others than the product: what it is compared with.

`one-coin` and `full-confusion` are the expectation and maximization of Dawid and Skene (1979, formulas 2.3 to 2.5),
without imagined votes; `snorkel` is the label model of that package, by matrices of overlaps and no maximization
of a likelihood.

Usage: independent_estimate.py MODEL INPUT OUTPUT (JSON: `classes` and `votes`, a row for each flow with each agent's
class or -1; then `confusion` or `accuracies`, and `posteriors`)
"""

import json
import sys

import numpy as np


def indicators(votes: np.ndarray, classes: int) -> np.ndarray:
    """1 where an agent gave a flow that class: flows, agents, classes."""
    return (votes[:, :, None] == np.arange(classes)).astype(float)


def dawid_skene(votes: np.ndarray, classes: int, one_coin: bool) -> tuple[np.ndarray, np.ndarray]:
    said = indicators(votes, classes)
    counts = said.sum(axis=1)
    heard = counts.sum(axis=1, keepdims=True)
    truth = np.where(heard > 0, counts / np.maximum(heard, 1), 1 / classes)
    before = -np.inf
    for _ in range(5_000):
        prior = truth.mean(axis=0)
        joint = np.einsum("ij,ikl->kjl", truth, said)
        if one_coin:
            right = np.trace(joint, axis1=1, axis2=2) / joint.sum(axis=(1, 2))
            same = np.eye(classes)
            confusion = right[:, None, None] * same + ((1 - right) / (classes - 1))[:, None, None] * (1 - same)
        else:
            confusion = joint / joint.sum(axis=2, keepdims=True)
        logs = np.log(prior) + np.einsum("ikl,kjl->ij", said, np.log(np.maximum(confusion, 1e-300)))
        top = logs.max(axis=1, keepdims=True)
        likelihood = (top[:, 0] + np.log(np.exp(logs - top).sum(axis=1))).sum()
        truth = np.exp(logs - top)
        truth /= truth.sum(axis=1, keepdims=True)
        if likelihood - before < 1e-9:
            break
        before = likelihood
    return confusion, truth


def main() -> None:
    model, source, target = sys.argv[1:]
    with open(source) as file:
        given = json.load(file)
    votes = np.array(given["votes"])
    if model == "snorkel":
        from snorkel.labeling.model import LabelModel

        own = LabelModel(cardinality=given["classes"], verbose=False)
        own.fit(votes, n_epochs=1_000, seed=1, progress_bar=False)
        found = {"accuracies": own.get_weights().tolist(), "posteriors": own.predict_proba(votes).tolist()}
    else:
        confusion, truth = dawid_skene(votes, given["classes"], one_coin=model == "one-coin")
        found = {"confusion": confusion.tolist(), "posteriors": truth.tolist()}
    with open(target, "w") as file:
        json.dump(found, file)


main()
