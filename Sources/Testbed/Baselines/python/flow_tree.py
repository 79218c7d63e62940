"""The reference of classification: scikit-learn's gradient-boosted tree on the rows that a network had.

    flow_tree.py FILE     (JSON: training, labels, weights, test, seed)

Prints the class of each row of the test as a JSON list.
"""

import json
import sys


def fail(message):
    print(f"tree: {message}", file=sys.stderr)
    sys.exit(3)


try:
    import numpy
    from sklearn.ensemble import HistGradientBoostingClassifier
except ImportError as error:
    fail(f"{sys.executable} cannot import {error.name}")


def main(arguments):
    if len(arguments) != 1:
        fail("needs FILE")
    with open(arguments[0], encoding="utf-8") as file:
        task = json.load(file)
    tree = HistGradientBoostingClassifier(
        max_iter=200, min_samples_leaf=5, early_stopping=False, random_state=task["seed"] % (1 << 31)
    )
    tree.fit(
        numpy.array(task["training"]), numpy.array(task["labels"]), sample_weight=numpy.array(task["weights"])
    )
    print(json.dumps([int(label) for label in tree.predict(numpy.array(task["test"]))]))


if __name__ == "__main__":
    main(sys.argv[1:])
