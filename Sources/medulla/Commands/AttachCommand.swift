import ArgumentParser
import CMedullaABI
import MedullaBase
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaSnapshot

/// `medulla attach FUNCTION`.
struct AttachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach", abstract: "Run a network in the kernel.",
    subcommands: [
      AttachCongestionCommand.self, AttachClassifierCommand.self, AttachSchedulingCommand.self,
      AttachPathsCommand.self, AttachFunctionCommand.self,
    ])
}

/// `medulla attach congestion --name NAME BUNDLE`.
struct AttachCongestionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "congestion",
    abstract: "Register a network as a TCP congestion control.",
    discussion: """
      Any program can then select it: setsockopt(TCP_CONGESTION), sysctl net.ipv4.tcp_congestion_control, \
      ip route ... congctl NAME, iperf3 -C NAME. TCP knows NAME with - as _. It stays after this command \
      ends, until `medulla detach NAME`.
      """)

  @Option(help: "The instance's name, at most 15 characters.")
  var name = "medulla"
  @Option(help: ArgumentHelp("Monitor interval in round trips; 0 decides on every ACK.", valueName: "n"))
  var interval: Double?
  @Option(help: ArgumentHelp("Lowest rate, such as 120kbit.", valueName: "rate"))
  var minRate: String?
  @Option(help: ArgumentHelp("Highest rate, such as 10gbit.", valueName: "rate"))
  var maxRate: String?
  @Option(help: ArgumentHelp("Window in bandwidth-delay products.", valueName: "n"))
  var window: Double?
  @Option(help: ArgumentHelp("Largest change in one interval, in units of the network.", valueName: "n"))
  var actionLimit: Double?
  @Option(
    help: ArgumentHelp(
      "Share of packets lost in an interval that counts against the network.", valueName: "p"))
  var guardLoss: Double?
  @Option(help: ArgumentHelp("RTT over minimum RTT that counts against the network.", valueName: "n"))
  var guardLatency: Double?
  @Option(
    help: ArgumentHelp("Such intervals in a row that trip the guard; 0 switches it off.", valueName: "n"))
  var guardIntervals: Int?
  @Option(
    help: ArgumentHelp(
      """
      What a mark (ECN) means: classic, congestion as a loss does; accurate, as much as the share of packets \
      that are marked, where receivers echo each mark (RFC 8257).
      """, valueName: "kind"))
  var ecn = Marks.classic
  @OptionGroup var options: AttachOptions

  enum Marks: String, ExpressibleByArgument, CaseIterable {
    case classic, accurate
  }

  func run() throws {
    try options.attach(CongestionControl(configuration()), options.snapshot(), as: name) { status in
      "attached; select it with TCP_CONGESTION \"\(status.congestion)\""
    }
  }

  private func configuration() throws -> CongestionConfiguration {
    var configuration = CongestionConfiguration()
    if let interval {
      configuration.controller.interval_fraction_q8 = try fixed(interval, bits: 8, "--interval")
    }
    if let minRate { configuration.controller.rate_min = try bytesPerSecond(minRate) }
    if let maxRate { configuration.controller.rate_max = try bytesPerSecond(maxRate) }
    if let window { configuration.controller.window_gain_q8 = try fixed(window, bits: 8, "--window") }
    if let actionLimit {
      configuration.controller.action_limit_q16 = try fixed(actionLimit, bits: 16, "--action-limit")
    }
    if let guardLoss {
      configuration.controller.guard_loss_q16 = try fixed(guardLoss, bits: 16, "--guard-loss")
    }
    if let guardLatency {
      configuration.controller.guard_latency_q16 = try fixed(guardLatency, bits: 16, "--guard-latency")
    }
    if let guardIntervals {
      configuration.controller.guard_intervals = try fixed(
        Double(guardIntervals), bits: 0, "--guard-intervals")
    }
    configuration.controller.ecn = UInt32((ecn == .accurate ? MCC_ECN_ACCURATE : MCC_ECN_CLASSIC).rawValue)
    return configuration
  }

  private func bytesPerSecond(_ rate: String) throws -> UInt64 {
    guard let bytes = UInt64(exactly: (try Quantity.bitsPerSecond(rate) / 8).rounded()) else {
      throw ValidationError("the rate \(rate) is out of range")
    }
    return bytes
  }

  private func fixed(_ value: Double, bits: Int, _ option: String) throws -> UInt32 {
    guard let fixed = UInt32(exactly: (value * Double(1 << bits)).rounded()) else {
      throw ValidationError("\(option) \(value) is out of range")
    }
    return fixed
  }
}
