import CLibBPF
import Glibc
import Synchronization

/// What libbpf has to say, kept instead of printed.
///
/// libbpf has one print callback for the whole process; lines are kept for the thread that caused them.
enum LibBPFLog {
  /// This much of the end is kept: more than libbpf's largest verifier log, 16 MiB.
  static let keptBytes = 32 << 20

  private static let lines = Mutex<[UInt: String]>([:])
  private static let installed = Mutex(false)

  /// Runs `body` and gives what libbpf said meanwhile on this thread.
  static func capture<Value>(_ body: () -> Value) -> (value: Value, log: String) {
    install()
    let thread = UInt(bitPattern: pthread_self().hashValue)
    lines.withLock { $0[thread] = "" }
    let value = body()
    let log = lines.withLock { $0.removeValue(forKey: thread) ?? "" }
    return (value, log)
  }

  private static func install() {
    installed.withLock { done in
      guard !done else { return }
      _ = libbpf_set_print { level, format, arguments in
        guard level.rawValue <= LIBBPF_WARN.rawValue, let format, let arguments
        else { return 0 }
        guard let text = medulla_format(format, arguments) else { return 0 }
        defer { free(text) }
        LibBPFLog.append(String(cString: text))
        return 0
      }
      done = true
    }
  }

  private static func append(_ line: String) {
    let thread = UInt(bitPattern: pthread_self().hashValue)
    lines.withLock { all in
      guard var log = all[thread] else { return }
      log += line
      if log.utf8.count > keptBytes { log = String(log.suffix(keptBytes)) }
      all[thread] = log
    }
  }
}
