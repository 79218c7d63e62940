import Foundation
import Glibc

/// A verifier's log, and the line that decided.
package struct VerifierLog: Equatable, Sendable {
  /// The whole log as the kernel gave it.
  package let text: String

  package init(_ text: String) {
    self.text = text
  }

  /// Names a file that gets the whole log of a refused program.
  package static let keptPathVariable = "MEDULLA_VERIFIER_LOG"

  static var keptPath: String? {
    guard let value = getenv(keptPathVariable) else { return nil }
    let path = String(cString: value)
    return path.isEmpty ? nil : path
  }

  /// Writes the whole log to a file, which then holds nothing else.
  func write(to path: String) throws(KernelError) {
    let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard number >= 0 else { throw .system("open \(path) for the verifier's log") }
    let file = Descriptor(owning: number)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw .system("write the verifier's log to \(path)")
      }
    }
  }

  /// The line that says why a program was refused; nil when the log holds none.
  ///
  /// The kernel writes the reason last, before its statistics: `R2 invalid mem access 'scalar'`, then
  /// `processed 12 insns …`. Lines of state, of instructions, of source (`; …`) and of libbpf's frame
  /// carry no reason. Linux 7.3 writes a report instead, with the reason below the source line.
  package var decidingLine: String? {
    let lines = verifierLines
    if let reason = Self.reportedReason(lines) { return reason }
    let end = lines.lastIndex { $0.hasPrefix("processed ") } ?? lines.endIndex
    for line in lines[..<end].reversed() where !Self.isContext(line) { return line }
    return nil
  }

  /// Whether the verifier refused an instruction, which a newer kernel may know, and not what the program
  /// does with it: it then names the code, or members of the instruction that must be zero.
  package var refusesInstruction: Bool {
    guard let line = decidingLine else { return false }
    return line.contains("reserved field") || line.hasPrefix("unknown opcode")
      || line.hasPrefix("invalid BPF_") || line.hasPrefix("unknown insn")
  }

  /// The source line that the verifier was at when it refused, from the program's BTF.
  package var sourceLine: String? {
    guard let line = verifierLines.last(where: { $0.hasPrefix(";") }) else { return nil }
    let text = line.dropFirst().drop { $0 == " " }
    return text.isEmpty ? nil : String(text)
  }

  /// `processed N insns`: the verifier's work, also given when a program is accepted.
  package var processedInstructions: Int? {
    guard let line = verifierLines.last(where: { $0.hasPrefix("processed ") }) else { return nil }
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
  }

  /// `|   ^-- error: invalid dereference of R2`, which may go on in lines that begin with `|`; after it come
  /// the path that led there and a suggestion.
  private static func reportedReason(_ lines: [String]) -> String? {
    let mark = "^-- error: "
    guard let start = lines.firstIndex(where: { $0.hasPrefix("|") && $0.contains(mark) }),
      let range = lines[start].range(of: mark)
    else { return nil }
    let rest = lines[(start + 1)...].prefix { $0.hasPrefix("|") }.map { $0.dropFirst() }
    return ([lines[start][range.upperBound...]] + rest)
      .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
  }

  private var verifierLines: [String] {
    text.split(separator: "\n").map { line in
      String(line.drop { $0 == " " || $0 == "\t" })
    }.filter { !$0.isEmpty && !$0.hasPrefix("libbpf:") && !$0.hasPrefix("-- ") }
  }

  /// State dumps (`3: R0=…`), instructions (`3: (79) r1 = …`), source lines and the path taken.
  private static func isContext(_ line: String) -> Bool {
    if line.hasPrefix(";") || line.hasPrefix("from ") || line.hasPrefix("parent ") { return true }
    if line.hasPrefix("mark_precise") || line.hasPrefix("last_idx") || line.hasPrefix("regs=") { return true }
    let statistics = ["verification time", "stack depth", "max_states", "arg#", "Validating "]
    if statistics.contains(where: line.hasPrefix) { return true }
    guard let colon = line.firstIndex(of: ":") else { return false }
    return colon != line.startIndex && line[..<colon].allSatisfy(\.isNumber)
  }
}
