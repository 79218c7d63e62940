import CMedullaNF
import MedullaBase
import MedullaNF
import Testing

/// The obvious book: for each frame, who has it.
private struct FrameModel {
  enum Holder: Hashable {
    case free
    /// To be filled, or filled and kept.
    case kernel
    case delivered(Int)
    case handed(Int)
    case sending
  }

  static let total = 48
  static let functions = 4
  static let queues = 2
  static let seats = functions * Int(NF_QUEUES)

  var ledger = FrameLedger(frames: total, functions: functions)
  var holders = [Holder](repeating: .free, count: total)
  var stamps = [nf_stamp](repeating: nf_stamp(), count: total)
  var epochs = [UInt32](repeating: 1, count: functions)
  var delivered = [UInt64](repeating: 0, count: seats)
  /// What came back of each seat, or was lost in the kernel.
  var settled = [UInt64](repeating: 0, count: seats)
  /// The frame that the kernel stamped and kept, of each queue, which the next one on it overwrites.
  var kept = [Int?](repeating: nil, count: queues)
  var refused = 0
  var reclaimed = 0
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func random(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }

  func frames(_ holder: Holder) -> [Int] { holders.indices.filter { holders[$0] == holder } }

  mutating func any(_ frames: [Int]) -> Int? { frames.randomElement(using: &generator) }

  /// One step; what does not hold is said.
  mutating func step() -> String? {
    let function = random(Self.functions)
    switch random(12) {
    case 0, 1: return give()
    case 2, 3, 4: deliver(to: function, isKept: false)
    case 5: deliver(to: function, isKept: chance(4))
    case 6, 7: return takeBack(from: function)
    case 8: return finishSending()
    case 9: return forge(by: function)
    case 10: return chance(20) ? end(function) : nil
    default: return ledger.releaseSent(any(frames(.free)) ?? Self.total) ? "a free frame was sent" : nil
    }
    return nil
  }

  mutating func chance(_ parts: Int) -> Bool { random(parts) == 0 }

  mutating func give() -> String? {
    guard let frame = ledger.give() else { return frames(.free).isEmpty ? nil : "a free frame is missing" }
    guard holders[frame] == .free else { return "frame \(frame) was given twice" }
    holders[frame] = .kernel
    return nil
  }

  mutating func deliver(to function: Int, isKept: Bool) {
    let queue = random(Self.queues)
    let others = kept.indices.filter { $0 != queue }.compactMap { kept[$0] }
    // A frame that was kept on this queue is the next that is filled.
    guard let frame = kept[queue] ?? any(frames(.kernel).filter { !others.contains($0) }) else { return }
    let seat = function * Int(NF_QUEUES) + queue
    delivered[seat] += 1
    stamps[frame].sequence = delivered[seat]
    stamps[frame].seat = UInt32(seat)
    stamps[frame].epoch = epochs[function]
    kept[queue] = isKept ? frame : nil
    if isKept { settled[seat] += 1 } else { holders[frame] = .delivered(function) }
  }

  mutating func takeBack(from function: Int) -> String? {
    guard let frame = any(frames(.delivered(function)) + frames(.handed(function))) else { return nil }
    let seat: UInt32? = holders[frame] == .delivered(function) ? stamps[frame].seat : nil
    let found = ledger.take(frame, from: function, stamp: stamps[frame], epoch: epochs[function])
    guard found == .taken(seat: seat) else { return "frame \(frame) of \(function): \(found)" }
    if let seat { settled[Int(seat)] += 1 }
    switch random(3) {
    case 0:
      let next = random(Self.functions)
      ledger.hand(frame, to: next)
      holders[frame] = .handed(next)
    case 1:
      ledger.send(frame)
      holders[frame] = .sending
    default:
      ledger.release(frame)
      holders[frame] = .free
    }
    return nil
  }

  mutating func finishSending() -> String? {
    guard let frame = any(frames(.sending)) else { return nil }
    holders[frame] = .free
    return ledger.releaseSent(frame) ? nil : "frame \(frame) was being sent"
  }

  /// Another's frame, a free one, one returned already, one in the fill ring or one of an earlier epoch.
  mutating func forge(by function: Int) -> String? {
    let frame = random(Self.total)
    let isOwn = holders[frame] == .delivered(function) || holders[frame] == .handed(function)
    // What the kernel kept is told from what it gave by its ring's count, not by the ledger.
    guard !isOwn, !kept.contains(frame) else { return nil }
    refused += 1
    let found = ledger.take(frame, from: function, stamp: stamps[frame], epoch: epochs[function])
    return found == .refused ? nil : "\(function) took frame \(frame), which is \(holders[frame])"
  }

  mutating func end(_ function: Int) -> String? {
    let own = frames(.delivered(function)) + frames(.handed(function))
    let (delivered, settled) = (delivered, settled)
    var seats: [UInt32] = []
    let stamps = stamps
    let count = ledger.reclaim(
      from: function, epoch: epochs[function], stamp: { stamps[$0] },
      out: { Int(delivered[Int($0)] - settled[Int($0)]) }, delivered: { seats.append($0) })
    for seat in seats { self.settled[Int(seat)] += 1 }
    epochs[function] += 1
    for frame in own { holders[frame] = .free }
    reclaimed += count
    guard count == own.count else { return "\(count) of \(own.count) frames of \(function) came back" }
    let first = function * Int(NF_QUEUES)
    for seat in first..<first + Self.queues where self.delivered[seat] != self.settled[seat] {
      return "seat \(seat): \(self.delivered[seat]) delivered, \(self.settled[seat]) back"
    }
    return nil
  }

  /// Counts by holder, in the book and in the ledger.
  func violation() -> String? {
    var counts: [Holder: Int] = [:]
    for holder in holders { counts[holder, default: 0] += 1 }
    var out = 0
    for function in 0..<Self.functions { out += counts[.delivered(function)] ?? 0 }
    guard ledger.freeCount == counts[.free, default: 0] else { return "\(ledger.freeCount) are free" }
    guard ledger.inKernel == counts[.kernel, default: 0] + out else {
      return "\(ledger.inKernel) in the kernel"
    }
    guard ledger.inSending == counts[.sending, default: 0] else { return "\(ledger.inSending) are sent" }
    for function in 0..<Self.functions
    where ledger.heldCount(by: function) != counts[.handed(function), default: 0] {
      return "\(function) holds \(ledger.heldCount(by: function))"
    }
    return nil
  }
}

@Suite("The ledger of frames")
struct FrameLedgerTests {
  @Test("every frame has one holder, whatever functions return", arguments: 1...8 as ClosedRange<UInt64>)
  func model(_ seed: UInt64) {
    var model = FrameModel(seed: seed)
    for step in 0..<6_000 {
      if let violation = model.step() ?? model.violation() {
        Issue.record("seed \(seed), step \(step): \(violation)")
        return
      }
    }
    #expect(model.refused > 200 && model.reclaimed > 15, "seed \(seed)")
    for function in 0..<FrameModel.functions {
      if let violation = model.end(function) { Issue.record("seed \(seed): \(violation)") }
    }
    while !model.frames(.sending).isEmpty { #expect(model.finishSending() == nil, "seed \(seed)") }
    while !model.frames(.free).isEmpty { #expect(model.give() == nil, "seed \(seed)") }
    #expect(model.ledger.inKernel == FrameModel.total && model.ledger.give() == nil)
  }

  @Test("a frame comes back once for each delivery, also when the same function gets it again")
  func again() throws {
    var ledger = FrameLedger(frames: 1, functions: 1)
    for sequence in 1...3 as ClosedRange<UInt64> {
      let given = ledger.give()
      let frame = try #require(given)
      let stamp = nf_stamp(nanoseconds: 0, sequence: sequence, seat: 3, epoch: 1, rule: 0, length: 60)
      #expect(ledger.take(frame, from: 0, stamp: stamp, epoch: 2) == .refused)
      #expect(ledger.take(frame, from: 0, stamp: stamp, epoch: 1) == .taken(seat: 3))
      ledger.release(frame)
      #expect(ledger.take(frame, from: 0, stamp: stamp, epoch: 1) == .refused)
    }
  }
}
