import Foundation

/// Counts the instructions of a native program with valgrind's callgrind: counts repeat where times do not.
package struct InstructionCounter: Sendable {
  private let path: String

  /// nil where valgrind is not installed.
  package init?() {
    let directories = ["/usr/bin", "/usr/local/bin"]
    guard let found = directories.map({ $0 + "/valgrind" }).first(where: BPFFileSystem.exists) else {
      return nil
    }
    path = found
  }

  /// Instructions of one run of a program.
  package func count(_ program: String, _ arguments: [String]) throws(KernelError) -> Int {
    let run = try ToolRun.run(
      path, ["--tool=callgrind", "--callgrind-out-file=/dev/null", program] + arguments)
    let line = run.standardError.split(separator: "\n").first { $0.contains("Collected :") }
    guard run.status == 0, let last = line?.split(separator: " ").last, let count = Int(last) else {
      throw KernelError(
        .toolchain, "count the instructions of \(program)",
        cause: run.standardError.split(separator: "\n").last.map(String.init) ?? "valgrind said nothing")
    }
    return count
  }
}
