import Foundation
import MedullaCodegen
import MedullaKernel
import MedullaSnapshot

/// The user process of user-space inference, before it runs: a program, or a script and its interpreter.
final class InferenceAgent {
  /// How long a process may take to be ready, and to end.
  static let patience = Duration.seconds(60)

  private let command: [String]
  private let madeFile: String
  private let modelArguments: [String]
  private let processor: Int?
  private let way: String

  /// Compiles the native agent, or writes the Python agent where its interpreter finds it.
  init(_ configuration: UserSpaceConfiguration, snapshot: Snapshot) throws {
    processor = configuration.processor
    way = configuration.waiting == .polling ? "poll" : "wait"
    switch configuration.engine {
    case .native:
      var files = BaselineSources.agent
      files["shape.h"] = NativeProgram(shape: snapshot.shape).text
      files["image.h"] = Self.imageHeader(snapshot.image)
      madeFile = try NativeCompiler(clang: .find()).program(
        source: "inference_agent.c", files: files, options: ["-O3", "-march=native"])
      command = [madeFile]
      modelArguments = []
    case .onnxRuntime(let python, let model):
      guard FileManager.default.isReadableFile(atPath: model) else {
        throw TestbedError(
          .fileFailed, "The model \(model) cannot be read.", remedy: "Give a float network as ONNX.")
      }
      madeFile =
        FileManager.default.temporaryDirectory
        .appendingPathComponent("medulla-agent-\(UUID().uuidString).py").path
      try Data(BaselineSources.pythonAgent.utf8).write(to: URL(fileURLWithPath: madeFile))
      command = [python, madeFile]
      modelArguments = [model]
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: madeFile) }

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

  /// The words of a slot as C.
  static func imageHeader(_ image: [Int64]) -> String {
    let words = image.map { "0x" + String(UInt64(bitPattern: $0), radix: 16) + "ULL" }
    let lines = stride(from: 0, to: words.count, by: 4).map {
      "\t\t" + words[$0..<min($0 + 4, words.count)].joined(separator: ", ") + ",\n"
    }
    return "static const struct medulla_image image = {\n\t.words = {\n\(lines.joined())\t},\n};\n"
  }
}
