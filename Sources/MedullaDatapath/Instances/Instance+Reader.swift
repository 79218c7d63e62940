import Foundation
import MedullaKernel

extension Instance {
  /// The process that takes the instance's samples, such as a daemon that learns from them; nil when there is
  /// none, or when it is another process namespace's.
  package var reader: SampleReader? {
    let path = PinnedInstance.path(of: name)
    guard let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8),
      let process = DirectoryLock.holder(of: path, in: locks)
    else { return nil }
    let command = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
    return SampleReader(
      process: process, program: command?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "")
  }
}

/// Who takes an instance's samples.
package struct SampleReader: Sendable, Equatable, CustomStringConvertible {
  package let process: Int32
  /// Its program's name; empty when it has ended meanwhile.
  package let program: String

  package var description: String { program.isEmpty ? "process \(process)" : "\(program) (\(process))" }
}
