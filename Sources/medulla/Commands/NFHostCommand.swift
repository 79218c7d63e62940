import ArgumentParser
import Foundation
import MedullaBase
import MedullaControl
import MedullaNF

/// `medulla nf host FILE`.
struct NFHostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host", abstract: "Host a chain over DPDK in this process, until it is interrupted.",
    discussion: """
      DPDK can be started once in a process, and its drivers run in it: so a chain with engine: dpdk is \
      beside the daemon, which does not know of it. The functions' processes are started as the daemon \
      starts them. Counts go to standard output.
      """)

  @Option(help: "Where the socket is made that functions come to.")
  var directory = ChainProcess.directory
  @Option(help: "Seconds between two reports; left out: there is one, at the end.")
  var interval: Int?
  @Flag(help: "Print JSON, a report in a line.")
  var json = false
  @Argument(help: "The chain file (docs/reference/chain-file.md).")
  var file: String

  func validate() throws {
    if let interval, !(1...86_400).contains(interval) {
      throw ValidationError("--interval takes 1 to 86400 seconds")
    }
  }

  func run() throws {
    let chain = try ChainFile(path: file)
    guard chain.settings.engine != .xdp else {
      throw ControlError(
        .refused, "the chain \(chain.settings.name) is not over DPDK", remedy: "`medulla nf start \(file)`")
    }
    let last = try ChainProcess.run(
      chain, library: DPDKLibrary.installed(), directory: directory,
      every: interval.map { .seconds($0) }, report: show)
    try show(last)
  }

  private func show(_ report: ChainReport) throws {
    // At once, also where nobody looks on a terminal.
    let text = json ? try JSONText.line(report) : Array(ChainTables.counts(report).utf8)
    FileHandle.standardOutput.write(Data(text + [10]))
  }
}
