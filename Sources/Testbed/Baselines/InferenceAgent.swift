import Foundation
import MedullaKernel
import TestbedLink

/// The user process of user-space inference, before it runs: a program, or a script and its interpreter.
final class InferenceAgent {
  /// How long a process may take to be ready, and to end.
  static let patience = Duration.seconds(60)

  private let command: [String]
  /// Where the Python agent lies.
  private var scratch: ScratchDirectory?
  private let modelArguments: [String]
  private let processor: Int?
  private let way: String

  /// - Parameter native: the native agent's path.
  init(_ configuration: UserSpaceConfiguration, native: String) throws {
    processor = configuration.processor
    way = configuration.waiting == .polling ? "poll" : "wait"
    switch configuration.engine {
    case .native:
      command = [native]
      modelArguments = []
    case .onnxRuntime(let python, let model):
      guard FileManager.default.isReadableFile(atPath: model) else {
        throw TestbedError(
          .fileFailed, "The model \(model) cannot be read.", remedy: "Give a float network as ONNX.")
      }
      let scratch = try ScratchDirectory("agent-\(UUID().uuidString)")
      let path = scratch.path("agent.py")
      try Data(BaselineSources.pythonAgent.utf8).write(to: URL(fileURLWithPath: path))
      self.scratch = scratch
      command = [python, path]
      modelArguments = [model]
    }
  }

  /// Whether the interpreter has what the script needs, before anything is measured.
  ///
  /// - Throws: `missingProgram` with how to install it.
  func requireEngine() throws {
    guard let interpreter = command.first, scratch != nil else { return }
    guard (try? ChildProcess.run([interpreter, "-c", "import numpy, onnxruntime"])) == nil else { return }
    throw TestbedError(
      .missingProgram, "The interpreter \(interpreter) cannot import numpy and onnxruntime.",
      remedy: "Run python3 -m venv .venv && .venv/bin/python -m pip install onnxruntime numpy, or name an "
        + "interpreter that has them in MEDULLA_PYTHON.")
  }

  /// Starts the process on the two maps and waits until it is ready.
  ///
  /// - Throws: `missingProgram` when the interpreter or a package of it is missing, with how to install it.
  func start(reports: BPFMap, answers: BPFMap) throws -> ChildProcess {
    let child = try ChildProcess(
      command + ["\(reports.identifier)", "\(answers.identifier)", "\(processor ?? -1)", way]
        + modelArguments, environment: ["PYTHONDONTWRITEBYTECODE": "1"], input: .pipe)
    guard try child.readLine(within: Self.patience) == "ready" else {
      let outcome = try child.finish(within: Self.patience)
      guard outcome.status == 3 else { throw child.failure(outcome) }
      let said = outcome.errorText.trimmingCharacters(in: .whitespacesAndNewlines)
      throw TestbedError(
        .missingProgram, "The agent with ONNX Runtime cannot run: \(said).",
        remedy: "Or name an interpreter that has onnxruntime and numpy.")
    }
    return child
  }
}
