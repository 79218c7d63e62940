import CHost
import Glibc
import Logging
import MedullaBase
import MedullaNF

/// A chain as a whole process, beside any daemon: for engines that a process has once, as DPDK's.
package enum ChainProcess {
  /// Where functions come to, by default; the daemon's chains are there too.
  package static let directory = "/run/medulla/nf"

  /// Hosts the chain of a file, and the processes of its functions, until a signal ends it.
  ///
  /// - Parameters:
  ///   - library: over DPDK.
  ///   - directory: of the socket that functions come to; made where it is not there.
  ///   - interval: between two reports; nil: there is one, at the end.
  /// - Returns: the last report.
  package static func run(
    _ file: ChainFile, library: DPDKLibrary, directory: String, every interval: Duration?,
    report: (ChainReport) throws -> Void
  ) throws -> ChainReport {
    signal(SIGPIPE, SIG_IGN)
    let form = DaemonLog.form()
    let log = Logger(label: "medulla") { DaemonLog(label: $0, form: form) }
    let signals = medulla_interruption_descriptor()
    guard signals >= 0 else { throw UnixSocket.system("watch for signals", -signals) }
    try OwnedTree.make(directory, mode: 0o755)
    let service = try ChainService(file, library: library, directory: directory, log: log)
    log.notice("chain \(file.settings.name): \(library.release); functions come to \(service.path)")
    service.start()
    defer { service.stop() }
    try wait(signals, every: interval) { try report(service.report) }
    service.stop()
    return service.report
  }

  private static func wait(_ signals: Int32, every interval: Duration?, _ report: () throws -> Void) throws {
    // Without end there is nothing to say.
    let pause = (interval ?? .seconds(3_600)).nanoseconds
    while true {
      var readable: [UInt8] = [0]
      let count = medulla_wait_readable([signals], &readable, 1, pause)
      if count > 0, readable[0] != 0 { return }
      if count == 0, interval != nil { try report() }
    }
  }
}
