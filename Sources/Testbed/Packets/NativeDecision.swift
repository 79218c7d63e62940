import Foundation
import MedullaBase
import MedullaDatapath
import MedullaKernel
import MedullaRuntime
import MedullaSnapshot
import TestbedLink

/// The classifier's work on packets in a process, in C: the parser, measures, inputs and integer inference of
/// the kernel's programs, and a table of its own.
package final class NativeDecision {
  private static let patience = Duration.seconds(300)
  private let program: String

  /// - Throws: `KernelError` without a compiler.
  package init(_ file: SnapshotFile) throws {
    let datapath = try DatapathSnapshot(file, name: "rate", objects: [:])
    let interpreter = ReferenceInterpreter(file.snapshot)
    let question = interpreter.fixedPoint(
      file.snapshot.record.featureRanges.map { Float(($0.low + $0.high) / 2) })
    func array(_ words: [Int64]) -> String {
      let texts = words.map { "(__s64)0x" + String(UInt64(bitPattern: $0), radix: 16) + "ULL" }
      return "{ " + texts.joined(separator: ",\n") + " }"
    }
    var files = PacketRateSources.native
    files["shape.h"] = try datapath.header
    files["network.h"] = """
      static const struct medulla_image network = { .words = \(array(datapath.image)) };
      static const __s64 question[MEDULLA_INPUTS] = \(array(question));
      static const __s64 answer[MEDULLA_OUTPUTS] = \(array(interpreter.run(features: question)));

      """
    program = try NativeCompiler(clang: .find()).program(
      source: "packet_decide.c", files: files, options: ["-O2", "-march=native"])
  }

  deinit { try? FileManager.default.removeItem(atPath: program) }

  /// - Parameter bytes: that are read over before each cold packet.
  /// - Throws: `processFailed` where the native inference is not the interpreter's.
  package func times(_ effort: RateEffort, emptying bytes: Int) throws -> [RateCase: PacketTime] {
    let hex = RateFrame.bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    let outcome = try ChildProcess.run(
      [program, "\(effort.readings)", "\(effort.repeats)", "\(effort.coldRuns)", "\(bytes)", hex],
      within: Self.patience)
    var times: [RateCase: PacketTime] = [:]
    for line in outcome.outputText.split(separator: "\n") {
      let halves = line.split(separator: "|").map { $0.split(separator: " ") }
      guard halves.count == 2, let word = halves[0].first,
        let known = RateCase.allCases.first(where: { $0.word == word })
      else { continue }
      let (warm, cold) = (
        halves[0].dropFirst().compactMap { Double($0) }, halves[1].compactMap { Double($0) }
      )
      guard warm.count == effort.readings, cold.count == effort.coldRuns else { continue }
      times[known] = PacketTime(warm: warm, cold: cold)
    }
    guard times.count == RateCase.allCases.count else {
      throw TestbedError(
        .unreadableReport, "The native program told \(times.count) of \(RateCase.allCases.count) cases.",
        remedy: "Run again; report this if it comes back.")
    }
    return times
  }
}

/// The packet that is measured: UDP over IPv4 in an Ethernet frame of 64 bytes.
enum RateFrame {
  static let bytes: [UInt8] =
    [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
    + [0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 11, 0, 0, 1]
    + [0x30, 0x39, 0, 53, 0, 30, 0, 0] + [UInt8](repeating: 7, count: 22)
}
