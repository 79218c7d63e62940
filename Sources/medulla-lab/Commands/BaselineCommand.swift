import ArgumentParser
import MedullaBase
import TestbedBaselines

/// `medulla baseline WHAT`: what Medulla is compared with.
struct BaselineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baseline", abstract: "Congestion controls to compare with, as TCP selects them by name.",
    subcommands: [BaselineUserSpaceCommand.self, BaselineDCTCPCommand.self])
}

/// `medulla baseline dctcp VERB`.
struct BaselineDCTCPCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dctcp", abstract: "DCTCP (RFC 8257) as an eBPF program, for kernels without the module.",
    discussion: """
      Both ends of a connection must use it: set net.ipv4.tcp_congestion_control to its name where the \
      server runs. It needs a bottleneck that marks, such as `medulla link --mark-above`. A flow whose peer \
      does not know ECN goes over to Reno.
      """,
    subcommands: [Attach.self, Detach.self])

  struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Register it; it stays until it is detached.")

    @Option(help: "Its name for TCP.")
    var name = DCTCP.defaultName

    func run() throws {
      let dctcp = try DCTCP(name: name)
      try dctcp.keep()
      Narration.tell("TCP has \(dctcp.congestion) now; `medulla baseline dctcp detach` takes it away.")
    }
  }

  struct Detach: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take it away from new connections; those that have it keep it.")

    @Option(help: "Its name for TCP.")
    var name = DCTCP.defaultName

    func run() throws {
      try DCTCP.detach(name: name)
      Narration.tell("\(name) is detached.")
    }
  }
}
