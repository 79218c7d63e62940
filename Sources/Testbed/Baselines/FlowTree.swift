import Foundation
import TestbedLink

/// A gradient-boosted tree of scikit-learn, trained and asked by a Python process: what a network that
/// classifies flows is compared with.
package struct FlowTree: Sendable {
  private let python: String
  /// How long one may take to grow.
  private static let patience = Duration.seconds(600)

  private struct Task: Encodable {
    let training: [[Float]]
    let labels: [Int]
    let weights: [Float]
    let test: [[Float]]
    let seed: UInt64
  }

  /// - Parameter python: an interpreter.
  /// - Throws: `missingProgram` with how to install what it lacks.
  package init(python: String) throws {
    guard (try? ChildProcess.run([python, "-c", "import sklearn.ensemble"], within: Self.patience)) != nil
    else {
      throw TestbedError(
        .missingProgram, "The interpreter \(python) cannot import scikit-learn.",
        remedy:
          "Run python3 -m venv .venv && .venv/bin/python -m pip install -r scripts/test-requirements.txt, "
          + "or name an interpreter that has it in MEDULLA_PYTHON.")
    }
    self.python = python
  }

  /// The class of each row of the test.
  ///
  /// - Throws: `unreadableReport` when the process's answer is none.
  package func classes(
    of test: [[Float]], training: [[Float]], labels: [Int], weights: [Float], seed: UInt64
  ) throws -> [Int] {
    let scratch = try ScratchDirectory("tree-\(UUID().uuidString)")
    let (script, file) = (scratch.path("flow_tree.py"), scratch.path("task.json"))
    try Data(BaselineSources.flowTree.utf8).write(to: URL(fileURLWithPath: script))
    let task = Task(training: training, labels: labels, weights: weights, test: test, seed: seed)
    try JSONEncoder().encode(task).write(to: URL(fileURLWithPath: file))
    let outcome = try ChildProcess.run(
      [python, script, file], environment: ["PYTHONDONTWRITEBYTECODE": "1"], within: Self.patience)
    guard let classes = try? JSONDecoder().decode([Int].self, from: Data(outcome.output)),
      classes.count == test.count
    else {
      throw TestbedError(
        .unreadableReport, "The tree's answer is no list of \(test.count) classes.",
        remedy: "Run again; report this if it comes back.")
    }
    return classes
  }
}
