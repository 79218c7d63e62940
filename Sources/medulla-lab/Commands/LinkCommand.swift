import ArgumentParser
import Foundation
import MedullaBase
import TestbedLink
import TestbedWorkload

/// `medulla link`: a command inside an emulated link, in the manner of Mahimahi.
struct LinkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link",
    abstract: "Run a command behind an emulated link.",
    discussion: """
      Makes two network namespaces with a link between them and runs COMMAND in the client's. The server's \
      address is in MEDULLA_SERVER (IPv6: MEDULLA_SERVER6), its namespace in MEDULLA_SERVER_NAMESPACE. \
      Without COMMAND it prints the addresses and keeps the link until Ctrl-C. The exit status is COMMAND's; \
      130 after Ctrl-C; with --strict 75 when COMMAND succeeded but the emulator fell behind.

        medulla link --rate 12mbit --delay 20ms --iperf3 -- sh -c 'iperf3 -c $MEDULLA_SERVER -C cubic'
      """)

  @OptionGroup var link: LinkOptions
  @Option(
    help: ArgumentHelp(
      "Change the link in mid-run, such as '10s rate=6mbit loss=0.02'; may be repeated.", valueName: "change")
  )
  var change: [String] = []
  @Flag(name: .customLong("iperf3"), help: "Run an iperf3 server at the server's end.")
  var iperf3Server = false
  @Option(help: ArgumentHelp("Run this shell command at the server's end.", valueName: "command"))
  var server: String?
  @Option(help: ArgumentHelp("Write what the link did to this file (JSON).", valueName: "file"))
  var report: String?
  @Flag(help: "Print what the link did as JSON on standard output when it ends.")
  var json = false
  @Flag(help: "Exit with status 75 when the emulator fell behind.")
  var strict = false
  @Flag(help: "Say which rates the emulator takes on, and measure what this machine carries.")
  var ceiling = false
  @Argument(parsing: .postTerminator, help: "The command and its arguments.")
  var command: [String] = []

  /// EX_TEMPFAIL of sysexits.h: try again.
  private static let fellBehindStatus: Int32 = 75
  /// How long a command has to end by itself after Ctrl-C, which the terminal sends to it as well.
  private static let patience = Duration.seconds(1)

  func run() throws {
    Interruption.watch()
    if ceiling { return try tellCeiling() }
    let initial = try self.link.configuration()
    var schedule = try schedule(from: initial)
    let link = try LinkEmulator(initial)
    defer { link.tearDown() }
    var servers: [ChildProcess] = []
    defer { for server in servers { server.end() } }
    if iperf3Server { servers.append(try Iperf3.serve(in: link.server)) }
    if let server {
      servers.append(
        try link.server.start(
          ["sh", "-c", server], environment: addresses(link), output: .inherited, errors: .inherited))
    }
    let begin = ContinuousClock.now
    let follow = {
      if let next = schedule.takeDue((ContinuousClock.now - begin).inSeconds) { try link.change(next) }
    }
    let status = try command.isEmpty ? keep(link, follow) : runCommand(link, follow)
    let outcome = try link.stop()
    try tell(outcome)
    if status != 0 { throw ExitCode(status) }
    if strict, outcome.fellBehind { throw ExitCode(Self.fellBehindStatus) }
  }

  /// Each change applies to what the changes before it have made of the link.
  private func schedule(from link: LinkConfiguration) throws -> LinkSchedule {
    var link = link
    return try LinkSchedule(
      change.map(PathChange.init).map { change in
        link = try change.applied(to: link)
        return (change.time, link)
      })
  }

  private func addresses(_ link: LinkEmulator) -> [String: String] {
    [
      "MEDULLA_SERVER": LinkEmulator.Address.server, "MEDULLA_SERVER6": LinkEmulator.Address.server6,
      "MEDULLA_CLIENT": LinkEmulator.Address.client, "MEDULLA_CLIENT6": LinkEmulator.Address.client6,
      "MEDULLA_SERVER_NAMESPACE": link.server.name, "MEDULLA_CLIENT_NAMESPACE": link.client.name,
    ]
  }

  /// Prints where the ends are and waits for a signal.
  private func keep(_ link: LinkEmulator, _ follow: () throws -> Void) throws -> Int32 {
    for (name, value) in addresses(link).sorted(by: { $0.key < $1.key }) { print("\(name)=\(value)") }
    fflush(nil)
    Narration.tell("The link is up; Ctrl-C ends it. Enter an end with: nsenter --net=\(link.client.path)")
    while !Interruption.hasCome, link.isRunning {
      try follow()
      try? Interruption.sleep(.milliseconds(50))
    }
    return 0
  }

  /// Runs the command to its end. After a signal, or when the link is gone, the command is ended if it does
  /// not end by itself.
  private func runCommand(_ link: LinkEmulator, _ follow: () throws -> Void) throws -> Int32 {
    let child = try link.client.start(
      command, environment: addresses(link), input: .inherited, output: .inherited, errors: .inherited)
    while child.isRunning, link.isRunning {
      try follow()
      do {
        try Interruption.sleep(.milliseconds(20))
      } catch {
        awaitEnd(of: child)
        return 130
      }
    }
    awaitEnd(of: child)
    return try child.finish(within: .seconds(1), uninterrupted: true).status
  }

  private func awaitEnd(of child: ChildProcess) {
    let deadline = ContinuousClock.now + Self.patience
    while child.isRunning, ContinuousClock.now < deadline { usleep(5_000) }
    child.end(patience: .seconds(2))
  }

  private func tell(_ outcome: LinkReport) throws {
    let text = try JSONText.encode(outcome)
    if let report { try write(text, to: report) }
    if json { print(text) }
    for (name, path) in [("client to server", outcome.forward), ("server to client", outcome.backward)] {
      Narration.tell(path.summary(named: name))
    }
    if outcome.fellBehind {
      Narration.tell(
        """
        INVALID: the emulator fell behind. More than 1% of packets were over 1 ms late, so what was measured \
        is not the link that you asked for. Use a quieter machine or a slower link.
        """)
    }
  }

  private func write(_ text: String, to path: String) throws {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw TestbedError(
        .fileFailed, "The report \(path) cannot be written: \(error.localizedDescription).",
        remedy: "Name a file in a directory that exists.")
    }
  }

  private func tellCeiling() throws {
    let measured = try LinkCeiling.measure(mtu: link.mtu)
    if json { return print(try JSONText.encode(measured)) }
    print(
      TextTable(
        caption: "The emulator's ceiling for each direction, and what one flow was carried at without a rate",
        columns: ["packets travel in", "ceiling Mbit/s", "carried Mbit/s", "units/s", "share of a core"],
        rows: measured.map {
          [
            $0.kind, decimal($0.ceilingMbps, 0), decimal($0.carriedMbps, 0), decimal($0.unitsPerSecond, 0),
            decimal($0.coreShare, 2),
          ]
        }
      ).text)
    for slow in measured where !slow.canCarryCeiling {
      Narration.tell(
        "This machine carried only \(decimal(slow.carriedMbps, 0)) Mbit/s in \(slow.kind): stay under that."
      )
    }
  }
}

/// `medulla link-worker`: the process that carries an emulated link's packets. Started by the others.
struct LinkWorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: LinkWorker.argument, abstract: "Carry the packets of an emulated link.", shouldDisplay: false
  )

  func run() throws { try LinkWorker.serve() }
}
