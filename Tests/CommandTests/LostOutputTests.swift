import Foundation
import Testing

/// What cannot be written is an error; a reader that has gone is none that needs words.
@Suite("Output that is lost", .serialized)
struct LostOutputTests {
  private static let bundle = TestBundle()

  /// Commands that print, as a user types them; BUNDLE is a compiled network.
  static let printing = [
    "bin/medulla --help", "bin/medulla --version", "bin/medulla compile --help", "bin/medulla doctor --json",
    "bin/medulla doctor", "bin/medulla inspect BUNDLE", "bin/medulla inspect --json BUNDLE",
    "bin/medulla compile BUNDLE -o BUNDLE.again", "bin/medulla compile BUNDLE -o BUNDLE.again --json",
    "bin/medulla run-model BUNDLE --input models/aurora-medulla-calibration.npy",
    "bin/medulla run-model BUNDLE --input models/aurora-medulla-calibration.npy --json",
    "bin/medulla bench simulator --json", "bin/medulla experiment list", "bin/medulla experiment list --json",
    "bin/medulla link --help", "bin/medullad --help", "bin/medulla-lab --help",
  ]

  private func line(_ command: String) throws -> String {
    command.replacing("BUNDLE", with: try Self.bundle.path())
  }

  @Test("a full disk is an error that says so", arguments: printing)
  func full(command: String) throws {
    let outcome = try MedullaCommandLine.shell(try line(command) + " >/dev/full")
    #expect(outcome.status != 0, "\(command)")
    #expect(outcome.errors.contains("standard output cannot be written: No space left"), "\(outcome.errors)")
  }

  @Test("a status on a full disk is an error too (root)", .enabled(if: TestHost.runsKernelTests))
  func fullStatus() throws {
    let outcome = try MedullaCommandLine.shell("bin/medulla status --json >/dev/full")
    #expect(outcome.status == 1 && outcome.errors.contains("No space left"), "\(outcome.errors)")
  }

  @Test("a reader that has gone ends the command without a word", arguments: printing)
  func closed(command: String) throws {
    // The pipe has no reader by then; SIGPIPE is as a shell has it, or ignored as some services do.
    for ignored in ["", "trap '' PIPE; "] {
      let outcome = try MedullaCommandLine.shell(
        "\(ignored){ sleep 0.3; \(try line(command)); echo $? >&2; } | true")
      let words = outcome.errors.split(separator: "\n")
      #expect(words.last.flatMap { Int($0) } == 141, "\(command): \(outcome.errors)")
      #expect(!words.contains { $0.hasPrefix("Error") || $0.contains("Fatal") }, "\(outcome.errors)")
    }
  }

  @Test("the first line of much output can be taken")
  func head() throws {
    let command = try line("bin/medulla run-model BUNDLE --input models/aurora-medulla-calibration.npy")
    let outcome = try MedullaCommandLine.shell("\(command) | head -1")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count == 1)
  }

  @Test("narration that cannot be written ends no command")
  func narration() throws {
    let path = try Self.bundle.path()
    let outcome = try MedullaCommandLine.shell("bin/medulla status absent-instance 2>/dev/full")
    #expect(outcome.status == 1 || outcome.status == 64)
    #expect(try MedullaCommandLine.shell("bin/medulla inspect \(path) 2>/dev/full").status == 0)
  }
}

/// The shipped network, compiled once for all tests of a suite.
private final class TestBundle: @unchecked Sendable {
  private let lock = NSLock()
  private var folder: TestFolder?

  func path() throws -> String {
    try lock.withLock {
      if let folder { return folder.path + "/a.medulla" }
      let made = try TestFolder()
      let outcome = try MedullaCommandLine.run([
        "compile", "models/aurora-medulla.onnx", "--calibration", "models/aurora-medulla-calibration.npy",
        "-o", made.path + "/a.medulla",
      ])
      try #require(outcome.status == 0, "\(outcome.errors)")
      folder = made
      return made.path + "/a.medulla"
    }
  }
}
