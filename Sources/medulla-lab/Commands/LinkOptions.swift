import ArgumentParser
import TestbedLink

/// What a link is, on the command line.
struct LinkOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Rate in both directions, such as 12mbit.", valueName: "rate"))
  var rate: String?
  @Option(
    help: ArgumentHelp(
      "Mahimahi trace instead of a rate, in both directions.",
      discussion: "A line for each packet of 1,500 bytes: the millisecond at which it can be delivered.",
      valueName: "file"))
  var trace: String?
  @Option(help: ArgumentHelp("One-way delay in both directions, such as 20ms.", valueName: "time"))
  var delay: String?
  @Option(
    help: ArgumentHelp(
      "Buffer of each direction: bytes, or a multiple such as 2BDP.", valueName: "size"))
  var buffer: String?
  @Option(help: ArgumentHelp("Queue length above which ECN-capable packets are marked.", valueName: "size"))
  var markAbove: String?
  @Option(
    help: ArgumentHelp(
      "What the bottleneck does before its buffer is full: droptail, codel or pie.",
      discussion: "CoDel (RFC 8289) and PIE (RFC 8033) mark ECN-capable packets and drop others.",
      valueName: "name"))
  var queue: String?
  @Option(
    help: ArgumentHelp(
      "Packets of this port travel longer, each way, such as 5202,45ms.", valueName: "port,time"))
  var portDelay: String?
  @Option(help: ArgumentHelp("Probability of random loss from client to server.", valueName: "p"))
  var loss: String?
  @Option(
    help: ArgumentHelp(
      "Loss in bursts from client to server, such as 0.005,0.25.",
      discussion: """
        Probabilities of good to bad and of bad to good; then, unless they are 1 and 0, those of loss in bad \
        and in good.
        """, valueName: "p,r"))
  var burstLoss: String?
  @Option(
    help: ArgumentHelp(
      "Share of segments to the server that travel longer, such as 0.01,5ms.", valueName: "share,time"))
  var reorder: String?
  @Option(help: ArgumentHelp("Probability that a segment reaches the server twice.", valueName: "p"))
  var duplicate: String?
  @Option(
    help: ArgumentHelp(
      "Drop what exceeds a rate and a burst towards the server, before the queue, such as 10mbit,30kB.",
      valueName: "rate,size"))
  var policer: String?
  @Option(
    help: ArgumentHelp(
      "Packets reach the server in batches, at most one each so long, such as 10ms.", valueName: "time"))
  var aggregate: String?

  @Option(help: ArgumentHelp("Another rate from server to client.", valueName: "rate"))
  var returnRate: String?
  @Option(help: ArgumentHelp("Another trace from server to client.", valueName: "file"))
  var returnTrace: String?
  @Option(help: ArgumentHelp("Another delay from server to client.", valueName: "time"))
  var returnDelay: String?
  @Option(help: ArgumentHelp("Another buffer from server to client.", valueName: "size"))
  var returnBuffer: String?
  @Option(help: ArgumentHelp("Another marking threshold from server to client.", valueName: "size"))
  var returnMarkAbove: String?
  @Option(help: ArgumentHelp("Another queue discipline from server to client.", valueName: "name"))
  var returnQueue: String?
  @Option(help: ArgumentHelp("Another port's delay from server to client.", valueName: "port,time"))
  var returnPortDelay: String?
  @Option(help: ArgumentHelp("Random loss from server to client.", valueName: "p"))
  var returnLoss: String?
  @Option(help: ArgumentHelp("Loss in bursts from server to client.", valueName: "p,r"))
  var returnBurstLoss: String?
  @Option(help: ArgumentHelp("Reordering from server to client.", valueName: "share,time"))
  var returnReorder: String?
  @Option(help: ArgumentHelp("Duplication from server to client.", valueName: "p"))
  var returnDuplicate: String?
  @Option(help: ArgumentHelp("A policer from server to client.", valueName: "rate,size"))
  var returnPolicer: String?
  @Option(help: ArgumentHelp("Batches from server to client.", valueName: "time"))
  var returnAggregate: String?

  @Option(help: "Largest IP packet in bytes.")
  var mtu = 1500
  @Option(help: "Seed of losses, reordering, duplication and PIE.")
  var seed: UInt64 = 1

  @Flag(help: "Try rates beyond what the emulator is known to carry.")
  var beyondCeiling = false

  func validate() throws {
    if rate != nil, trace != nil { throw ValidationError("Give --rate or --trace, not both.") }
    if returnRate != nil, returnTrace != nil {
      throw ValidationError("Give --return-rate or --return-trace, not both.")
    }
  }

  /// The link; a path with a rate and without a buffer gets one bandwidth-delay product, at least 32 packets.
  func configuration() throws -> LinkConfiguration {
    var settings = LinkSettings()
    for (name, value) in named { if let value { _ = try settings.set(name, to: value) } }
    var link = LinkConfiguration(forward: .init(), backward: .init(), mtu: mtu, seed: seed)
    link.ignoresCeiling = beyondCeiling
    link = try settings.applied(to: link)
    let roundTrip = link.forward.delayNanoseconds + link.backward.delayNanoseconds
    func buffered(_ path: PathConfiguration) -> PathConfiguration {
      var path = path
      path.bufferBytes =
        path.bufferBytes
        ?? path.bandwidthDelayBytes(roundTripNanoseconds: roundTrip).map {
          min(LinkLimits.heldBytes, max($0, 32 * mtu))
        }
      return path
    }
    try link.validate()
    link.forward = buffered(link.forward)
    link.backward = buffered(link.backward)
    return link
  }

  private var named: [(String, String?)] {
    [
      ("rate", rate), ("trace", trace), ("delay", delay), ("buffer", buffer), ("mark-above", markAbove),
      ("queue", queue), ("port-delay", portDelay), ("policer", policer), ("aggregate", aggregate),
      ("loss", loss), ("burst-loss", burstLoss), ("reorder", reorder), ("duplicate", duplicate),
      ("return-rate", returnRate), ("return-trace", returnTrace), ("return-delay", returnDelay),
      ("return-buffer", returnBuffer), ("return-mark-above", returnMarkAbove),
      ("return-loss", returnLoss), ("return-burst-loss", returnBurstLoss),
      ("return-reorder", returnReorder), ("return-duplicate", returnDuplicate),
      ("return-queue", returnQueue), ("return-port-delay", returnPortDelay),
      ("return-policer", returnPolicer), ("return-aggregate", returnAggregate),
    ]
  }
}
