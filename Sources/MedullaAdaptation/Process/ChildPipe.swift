import Foundation
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// The end of a pipe that a process writes its output and errors to: they go to the log, line by line. Used
/// from one thread.
final class ChildPipe {
  /// Bytes read at once, and how often in one call, so that a flood does not keep the caller.
  private static let chunk = 1 << 16
  private static let readsPerCall = 16

  /// Non-blocking; -1: the process has closed its own.
  private(set) var descriptor: Int32
  private var lines = ChildOutput()
  private let log: Logger
  private let metadata: Logger.Metadata

  /// - Parameter descriptor: its own from now on.
  init(_ descriptor: Int32, of process: pid_t, as role: ProcessRole, log: Logger) {
    self.descriptor = descriptor
    self.log = log
    metadata = [role == .networkFunction ? "process" : "adapter": "\(process)"]
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The last lines.
  var tail: [String] { lines.tail }

  /// A new call begins, with a new limit of lines.
  func begin() {
    note(lines.begin())
    read()
  }

  /// Takes what there is, at most a bounded amount.
  func read() {
    var chunk = [UInt8](repeating: 0, count: Self.chunk)
    for _ in 0..<Self.readsPerCall where descriptor >= 0 {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count > 0 {
        note(lines.append(chunk[..<count]))
      } else if count == 0 {
        close(descriptor)
        descriptor = -1
        note(lines.end())
      } else {
        return
      }
    }
  }

  /// The process has ended: nothing more comes.
  func end() {
    read()
    note(lines.end())
  }

  private func note(_ lines: [String]) {
    for line in lines { log.info("\(line)", metadata: metadata) }
  }
}

extension Spawner {
  /// How a process has ended, in words; nil while it runs. It stays a zombie, so that its group can still be
  /// killed by its id.
  func ending(of child: pid_t) -> String? {
    guard let (code, status) = look(at: child) else { return nil }
    return code == Int32(CLD_EXITED)
      ? "it ended with status \(status)" : "it was ended by signal \(status)"
  }
}
