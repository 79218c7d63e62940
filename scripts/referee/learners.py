"""river's learners on the rows of a study, tested and then trained."""

from __future__ import annotations

from collections.abc import Callable

from river import base, dummy, ensemble, forest, linear_model, metrics, preprocessing, tree

#: Each with the seeds that it is measured with: one where nothing is drawn, or where it is slow.
LEARNERS: dict[str, tuple[Callable[[int], base.Classifier], list[int]]] = {
    "last label": (lambda _: dummy.NoChangeClassifier(), [1]),
    "most frequent class": (lambda _: dummy.PriorClassifier(), [1]),
    "logistic regression": (
        lambda _: preprocessing.StandardScaler() | linear_model.LogisticRegression(), [1]),
    "Hoeffding tree": (lambda _: tree.HoeffdingTreeClassifier(), [1]),
    "adaptive Hoeffding tree": (lambda seed: tree.HoeffdingAdaptiveTreeClassifier(seed=seed), [1, 2, 3]),
    "bagging with ADWIN": (
        lambda seed: ensemble.ADWINBaggingClassifier(tree.HoeffdingTreeClassifier(), n_models=10, seed=seed),
        [1, 2, 3]),
    "adaptive random forest": (lambda seed: forest.ARFClassifier(n_models=10, seed=seed), [1, 2, 3]),
    "streaming random patches": (lambda seed: ensemble.SRPClassifier(n_models=10, seed=seed), [1]),
}
#: What learns nothing of the inputs: no learner that ours is compared with.
TRIVIAL = ["last label", "most frequent class"]


def prequential(
    name: str, seed: int, features: list[list[float]], labels: list[int], first: int, window: int
) -> float:
    """Macro-F1 of the rows after the first ones; labels come when a window has ended."""
    model = LEARNERS[name][0](seed)
    rows = [dict(enumerate(row)) for row in features]
    for row, label in zip(rows[:first], labels[:first]):
        model.learn_one(row, label)
    score = metrics.MacroF1()
    for start in range(first, len(rows), window):
        own = range(start, min(start + window, len(rows)))
        for place in own:
            score.update(labels[place], model.predict_one(rows[place]))
        for place in own:
            model.learn_one(rows[place], labels[place])
    return score.get()
