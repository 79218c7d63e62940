import MedullaBase

@testable import MedullaPayload

/// Senders that offer an engine more objects than it can serve, packet by packet, by a simulated clock.
struct OverloadSimulation {
  struct Result {
    /// Whole objects that were served.
    var served = 0
    /// By the engine's capacity over the time.
    var goodput = 0.0
    /// Nanoseconds from an object's last packet to its answer, of all that were served, in order.
    var latencies: [UInt64] = []
    /// Objects whose pieces were not theirs, or not all.
    var wrong = 0
    /// Packets for which there was no frame.
    var lost = 0
    var counts = AssemblyCounts()

    func latency(_ share: Double) -> Double {
      latencies.isEmpty ? 0 : Double(latencies[Int(share * Double(latencies.count - 1))]) / 1e6
    }
  }

  static let service = 2_000_000.0
  static let duration = 4_000_000_000.0
  static let packets = 64

  /// Of what is offered, by the capacity.
  var load = 2.0
  /// Nanoseconds of work that may be ahead; nil: objects are admitted as memory allows.
  var bound: UInt64?
  /// What the admission takes the service time for until it is measured: ten times too much.
  var assumed: UInt64 = 20_000_000
  /// In which the packets of one object come.
  var reception = 8_000_000.0
  /// Frames of the receiver.
  var frames = 4_096
  /// Whether an object's first packet reserves frames for all of it.
  var reserves = true
  /// Of each packet, on its way.
  var loss = 0.0
  var seed: UInt64 = 1

  private struct Packet {
    var time: Double
    var object: Int
    var sequence: Int
  }

  private static let gap = 1 << 30

  private func offered(_ generator: inout SeededGenerator) -> [Packet] {
    var (packets, time, object): ([Packet], Double, Int) = ([], 0, 0)
    while time < Self.duration {
      for sequence in 0..<Self.packets where !generator.chance(loss) {
        let at = time + reception * (Double(sequence) + generator.unit()) / Double(Self.packets)
        packets.append(Packet(time: at, object: object, sequence: sequence))
      }
      time += generator.exponential(mean: Self.service / load)
      object += 1
    }
    return packets.sorted { $0.time < $1.time }
  }

  private func receiver() throws -> ObjectAssembler {
    var limits = AssemblyLimits()
    limits.objects = 4_096
    limits.endedObjects = 16_384
    limits.frames = reserves ? frames : 1 << 20
    let profile = StreamProfile(
      format: .bytes(limit: 1 << 20), deadline: 50_000_000 + UInt64(reception), objectLimit: 4_096)
    var assembler = try ObjectAssembler(limits: limits, streams: [1: profile], seed: 3)
    if let bound {
      try assembler.set(
        try Admission(bound: bound, workers: 1, assumed: assumed, classes: 1))
    }
    return assembler
  }

  func run() throws -> Result {
    var generator = SeededGenerator(seed: seed)
    var assembler = try receiver()
    var result = Result()
    var waiting: [(name: ObjectName, since: Double)] = []
    var serving: (name: ObjectName, since: Double, begin: Double, end: Double)?
    func advance(to time: Double) {
      while let current = serving, current.end <= time {
        finish(current.name, UInt64(current.end - current.begin))
        result.served += 1
        result.latencies.append(UInt64(current.end - current.since))
        serving = nil
        if let next = waiting.first {
          waiting.removeFirst()
          serve(next.name, since: next.since, at: current.end)
        }
      }
    }
    func serve(_ name: ObjectName, since: Double, at time: Double) {
      serving = (name, since, time, time + Self.service * generator.uniform(0.8...1.2))
    }
    func finish(_ name: ObjectName, _ service: UInt64) {
      if !isRight(name, &assembler) { result.wrong += 1 }
      assembler.finish(name, service: service)
    }
    for packet in offered(&generator) {
      advance(to: packet.time)
      let now = UInt64(packet.time)
      while assembler.nextExpired(at: now) != nil {}
      assembler.drainReleased { _ in }
      guard assembler.heldFrames < frames else {
        result.lost += 1
        continue
      }
      let writer = try AssemblyCase.writer(UInt64(packet.object), size: Self.packets * 16, piece: 16)
      let outcome = AssemblyCase.datagram(writer.header(of: packet.sequence)).withUnsafeBytes {
        assembler.take(
          PayloadPacket(
            frame: 0, place: packet.object * Self.gap + packet.sequence * 16, datagram: $0), at: now)
      }
      guard outcome.completes, let name = outcome.object else { continue }
      if serving == nil {
        serve(name, since: packet.time, at: packet.time)
      } else {
        waiting.append((name, packet.time))
      }
    }
    result.latencies.sort()
    result.goodput = Double(result.served) * Self.service / Self.duration
    result.counts = assembler.counts
    return result
  }

  /// Whether the pieces are all of the object's own, each at its place.
  private func isRight(_ name: ObjectName, _ assembler: inout ObjectAssembler) -> Bool {
    guard let object = assembler.object(name) else { return false }
    var covered: Set<Int> = []
    var isRight = true
    assembler.lend(name) { piece in
      let source = Int(object.number) * Self.gap + piece.destination + PayloadHeader.bytes
      isRight = isRight && piece.source == source && piece.length == 16
      covered.insert(piece.destination)
    }
    return isRight && covered.count == Self.packets
  }
}
