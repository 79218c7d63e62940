import CMedullaNF
import Foundation
import Glibc
import Logging
import MedullaAdaptation
import MedullaBase
import MedullaNF

/// One chain of the daemon: its host, and the processes of its functions, which are started anew when they
/// end.
final class ChainService: @unchecked Sendable {
  private static let interval: useconds_t = 50_000
  private static let stopPatience = Duration.seconds(2)

  let file: ChainFile
  private let host: ChainHost
  private let log: Logger
  private let lock = NSLock()
  private var processes: [String: FunctionProcess] = [:]
  private var isStopping = false
  private let ended = DispatchSemaphore(value: 0)

  /// Makes the host, on frames of the kernel's; nothing runs yet.
  ///
  /// - Parameters:
  ///   - object: the demultiplexer's.
  ///   - directory: where the chain's socket is made.
  convenience init(_ file: ChainFile, object: [UInt8], directory: String, log: Logger) throws {
    let host = try ChainHost(file.settings, object: object, path: Self.path(file, directory))
    self.init(file, host, log)
  }

  /// The same on frames of DPDK's devices.
  convenience init(_ file: ChainFile, library: DPDKLibrary, directory: String, log: Logger) throws {
    let host = try ChainHost(file.settings, library: library, path: Self.path(file, directory))
    self.init(file, host, log)
  }

  private init(_ file: ChainFile, _ host: ChainHost, _ log: Logger) {
    self.file = file
    self.host = host
    self.log = log
  }

  private static func path(_ file: ChainFile, _ directory: String) -> String {
    "\(directory)/\(file.settings.name).sock"
  }

  /// Where functions come to.
  var path: String { host.path }

  func start() {
    host.start()
    for function in file.settings.functions {
      guard let command = command(of: function.name) else { continue }
      processes[function.name] = FunctionProcess(
        function.name, chain: file.settings.name, command: command.words, isolation: command.isolation,
        directory: file.directory, host: host, log: log)
    }
    guard !processes.isEmpty else {
      ended.signal()
      return
    }
    let thread = Thread { [self] in
      while !lock.withLock({ isStopping }) {
        let now = ContinuousClock.now
        for process in processes.values { process.look(now) }
        usleep(Self.interval)
      }
      for process in processes.values { process.end(patience: Self.stopPatience) }
      ended.signal()
    }
    thread.name = "nf-processes"
    thread.start()
  }

  private func command(of function: String) -> (words: [String], isolation: ProcessIsolation)? {
    switch file.launches[function] {
    case .builtIn(let kind, let isolation):
      (BuiltInProcess.command(kind), BuiltInProcess.isolation(isolation))
    case .command(let words, let isolation): (words, isolation)
    case .attaches, nil: nil
    }
  }

  /// Ends the chain, its functions' processes too: they see their channels end, and then are killed.
  func stop() {
    host.stop()
    let isFirst = lock.withLock {
      defer { isStopping = true }
      return !isStopping
    }
    if isFirst { ended.wait() }
  }

  var report: ChainReport { host.report() }
}

/// How the processes of Medulla's own functions are started.
enum BuiltInProcess {
  static let command = "nf-function"

  /// By the program `medulla`, which lies beside this one.
  static func command(_ kind: String) -> [String] {
    let program = (try? SiblingProgram.path("medulla")) ?? "medulla"
    return [program, command, kind]
  }

  /// What it is linked with must be readable too.
  static func isolation(_ isolation: ProcessIsolation) -> ProcessIsolation {
    var isolation = isolation
    isolation.reads += LoadedLibraries.folders
    return isolation
  }
}
