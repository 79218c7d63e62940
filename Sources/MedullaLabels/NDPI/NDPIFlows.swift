import CMedullaABI
import Foundation
import MedullaFlows

/// How much of the traffic nDPI is shown.
package struct InspectionLimits: Sendable, Equatable {
  /// Flows that are known at once: nDPI's state of one takes about a kilobyte, more while it collects.
  package var flows: Int
  /// Packets of a flow of TCP that are looked at, at most; nDPI's own reader takes as many.
  package var tcpPackets: Int
  /// The same of any other protocol.
  package var otherPackets: Int
  /// A flow that is silent for longer is forgotten.
  package var idle: Duration
  /// Whether the ports may tell a flow that its packets do not.
  package var guessesByPort: Bool

  package init(
    flows: Int = Int(FIRST_PACKETS_FLOWS), tcpPackets: Int = Int(FIRST_PACKETS_TCP),
    otherPackets: Int = Int(FIRST_PACKETS_OTHER), idle: Duration = .seconds(Int(FIRST_PACKETS_IDLE_S)),
    guessesByPort: Bool = false
  ) {
    self.flows = flows
    self.tcpPackets = tcpPackets
    self.otherPackets = otherPackets
    self.idle = idle
    self.guessesByPort = guessesByPort
  }

  func check() throws(NDPIError) {
    guard (1...1 << 22).contains(flows), (1...255).contains(tcpPackets), (1...255).contains(otherPackets),
      idle >= .seconds(1), idle <= .seconds(86_400)
    else {
      throw NDPIError(
        .badSetting, "packets cannot be inspected with these limits: \(self)",
        remedy: "use 1 to 4,194,304 flows, 1 to 255 packets of each, and 1s to a day until one is forgotten")
    }
  }
}

/// Flows whose first packets nDPI looks at, both directions together: bounded, the longest silent go first.
///
/// Calls may come from any thread; they wait for each other, because nDPI is for one thread at a time.
/// Times are the packets' own.
package final class NDPIFlows: @unchecked Sendable {
  package struct Counts: Sendable, Equatable {
    package var frames: UInt64 = 0
    /// No IPv4 or IPv6, or a header that is not whole.
    package var withoutFlow: UInt64 = 0
    package var flows: UInt64 = 0
    /// Packets that nDPI has looked at.
    package var inspected: UInt64 = 0
    /// Flows that went because others needed their room.
    package var evicted: UInt64 = 0
    /// Flows that were silent for too long.
    package var idle: UInt64 = 0
  }

  private struct Flow {
    let key: FlowKey
    let isTCP: Bool
    let source: [UInt8]
    let sourcePort: UInt16
    let addresses: FlowSides<MACAddress>
    /// nDPI's; nil: no more packets are looked at, and `finding` stays.
    var state: NDPIModule.Flow?
    var found = NDPIProtocol(carrier: 0, application: 0)
    var finding = NDPIFinding.nothing
    var packets = 0
    var seen: UInt64
    var hasEnded = false
  }

  package let limits: InspectionLimits
  private let module: NDPIModule
  private let lock = NSLock()
  private let idleNanoseconds: UInt64
  private var slots: [Flow?] = []
  private var free: [Int] = []
  private var places: [FlowKey: Int] = [:]
  private var recency = RecencyList()
  private var now: UInt64 = 0
  private var tally = Counts()

  /// - Throws: `missing`, `unknownVersion`, `unfit`, `badSetting`.
  package convenience init(_ limits: InspectionLimits = InspectionLimits()) throws(NDPIError) {
    try self.init(NDPIModule(NDPILibrary()), limits)
  }

  init(_ module: NDPIModule, _ limits: InspectionLimits) throws(NDPIError) {
    try limits.check()
    self.module = module
    self.limits = limits
    idleNanoseconds = UInt64(limits.idle / .nanoseconds(1))
  }

  deinit {
    for case .some(let flow) in slots { if let state = flow.state { module.end(state) } }
  }

  package var counts: Counts { lock.withLock { tally } }

  /// That nDPI knows the names that a map has.
  func check(_ map: NDPIMap) throws(NDPIError) {
    lock.lock()
    defer { lock.unlock() }
    try map.check(by: module)
  }

  /// Takes in a packet.
  package func take(_ frame: CaptureFrame, of link: LinkLayer) {
    lock.withLock { add(frame, link) }
  }

  /// What nDPI has found of a flow so far.
  ///
  /// - Parameter settles: whether no more packets of it are waited for.
  /// - Returns: the finding, and whether it stays; nil: no packet of the flow was seen, or it is forgotten.
  package func finding(
    of ends: FlowEndpoints, settles: Bool = false
  ) -> (finding: NDPIFinding, isFinal: Bool)? {
    lock.withLock {
      guard let place = FlowKey(ends).flatMap({ places[$0] }), var flow = slots[place] else { return nil }
      guard let state = flow.state else { return (flow.finding, true) }
      if settles {
        settle(&flow, state)
        slots[place] = flow
        return (flow.finding, true)
      }
      return (module.finding(flow.found, of: state, isGuessed: false), false)
    }
  }

  /// The addresses of Ethernet of a flow's ends, in the order of `ends`.
  package func addresses(of ends: FlowEndpoints) -> FlowSides<MACAddress> {
    lock.withLock {
      guard let place = FlowKey(ends).flatMap({ places[$0] }), let flow = slots[place] else {
        return FlowSides(source: nil, destination: nil)
      }
      let sides = flow.addresses
      return flow.source == ends.source && flow.sourcePort == ends.sourcePort
        ? sides : FlowSides(source: sides.destination, destination: sides.source)
    }
  }

  private func add(_ frame: CaptureFrame, _ link: LinkLayer) {
    tally.frames += 1
    var packet = medulla_packet()
    guard link.parse(frame.bytes, into: &packet) else {
      tally.withoutFlow += 1
      return
    }
    now = max(now, frame.nanoseconds)
    forgetIdle()
    let first = packet.key
    medulla_turn(&packet)
    let key = FlowKey(packet.key)
    let begins =
      packet.flags & UInt8(PACKET_SYN | PACKET_ACK) == UInt8(PACKET_SYN) && packet.key.protocol == 6
    if begins, let place = places[key], slots[place]?.hasEnded == true { remove(place) }
    let place = places[key] ?? insert(key, first, Self.addresses(frame, link))
    guard var flow = slots[place] else { return }
    flow.seen = now
    flow.hasEnded = flow.hasEnded || packet.ends != 0
    inspect(frame.bytes[Int(packet.network)...], &flow, milliseconds: frame.nanoseconds / 1_000_000)
    slots[place] = flow
    recency.use(place)
  }

  private func inspect(_ packet: Slice<UnsafeRawBufferPointer>, _ flow: inout Flow, milliseconds: UInt64) {
    guard let state = flow.state else { return }
    flow.packets += 1
    tally.inspected += 1
    flow.found = module.take(UnsafeRawBufferPointer(rebasing: packet), of: state, milliseconds: milliseconds)
    let limit = flow.isTCP ? limits.tcpPackets : limits.otherPackets
    if flow.packets >= limit || (flow.found.isKnown && !module.mayLearnMore(of: state)) {
      settle(&flow, state)
    }
  }

  /// Ends what nDPI holds of the flow.
  private func settle(_ flow: inout Flow, _ state: NDPIModule.Flow) {
    var isGuessed = false
    if flow.found.application == 0 {
      (flow.found, isGuessed) = module.giveUp(state, guesses: limits.guessesByPort)
    }
    flow.finding = module.finding(flow.found, of: state, isGuessed: isGuessed)
    module.end(state)
    flow.state = nil
  }

  private func insert(
    _ key: FlowKey, _ first: medulla_flow_key, _ addresses: FlowSides<MACAddress>
  ) -> Int {
    if places.count >= limits.flows, let oldest = recency.oldest {
      remove(oldest)
      tally.evicted += 1
    }
    tally.flows += 1
    let source = withUnsafeBytes(of: first.source) { Array($0.prefix(first.version == 4 ? 4 : 16)) }
    let flow = Flow(
      key: key, isTCP: first.protocol == 6, source: source, sourcePort: UInt16(bigEndian: first.source_port),
      addresses: addresses, state: module.begin(), seen: now)
    let place = free.popLast() ?? slots.count
    if place == slots.count { slots.append(flow) } else { slots[place] = flow }
    places[key] = place
    recency.insert(place)
    return place
  }

  private func remove(_ place: Int) {
    guard let flow = slots[place] else { return }
    if let state = flow.state { module.end(state) }
    slots[place] = nil
    places[flow.key] = nil
    recency.remove(place)
    free.append(place)
  }

  private func forgetIdle() {
    // At most as many as there are flows.
    while let oldest = recency.oldest, let flow = slots[oldest], flow.seen &+ idleNanoseconds < now {
      remove(oldest)
      tally.idle += 1
    }
  }

  private static func addresses(_ frame: CaptureFrame, _ link: LinkLayer) -> FlowSides<MACAddress> {
    guard link == .ethernet, frame.bytes.count >= 12 else { return FlowSides(source: nil, destination: nil) }
    return FlowSides(
      source: MACAddress(frame.bytes[6..<12]), destination: MACAddress(frame.bytes[0..<6]))
  }
}

extension FlowKey {
  /// The same for both directions; nil: the addresses are none.
  package init?(_ ends: FlowEndpoints) {
    guard ends.source.count == ends.destination.count, ends.source.count == 4 || ends.source.count == 16
    else {
      return nil
    }
    var packet = medulla_packet()
    withUnsafeMutableBytes(of: &packet.key.source) { $0.copyBytes(from: ends.source) }
    withUnsafeMutableBytes(of: &packet.key.destination) { $0.copyBytes(from: ends.destination) }
    packet.key.source_port = ends.sourcePort.bigEndian
    packet.key.destination_port = ends.destinationPort.bigEndian
    packet.key.protocol = ends.transport
    packet.key.version = ends.source.count == 4 ? 4 : 6
    medulla_turn(&packet)
    self.init(packet.key)
  }
}
