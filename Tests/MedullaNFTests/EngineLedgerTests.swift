import MedullaBase
import Testing

@testable import MedullaNF

@Suite("The ledger of an engine that hands out all frames itself")
struct EngineLedgerTests {
  private enum Holder: Equatable {
    case engine
    case function(Int)
    case sending
  }

  @Test("every frame has one holder, and none is taken from who has it not", arguments: 1...8)
  func holders(_ seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    func random(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
    let (total, functions) = (24, 3)
    var ledger = FrameLedger(frames: total, functions: functions)
    ledger.giveAll()
    var holders = [Holder](repeating: .engine, count: total)
    for step in 0..<4_000 {
      let (frame, function) = (random(total), random(functions))
      switch random(6) {
      case 0, 1:
        #expect(ledger.receive(frame, by: function) == (holders[frame] == .engine), "seed \(seed), \(step)")
        if holders[frame] == .engine { holders[frame] = .function(function) }
      case 2, 3:
        let had = holders[frame] == .function(function)
        #expect(ledger.takeHeld(frame, from: function) == had, "seed \(seed), \(step)")
        guard had else { continue }
        switch random(3) {
        case 0:
          let next = random(functions)
          ledger.hand(frame, to: next)
          holders[frame] = .function(next)
        case 1:
          ledger.send(frame)
          holders[frame] = .sending
        default:
          ledger.giveBack(frame)
          holders[frame] = .engine
        }
      case 4:
        guard holders[frame] == .sending else { continue }
        ledger.giveBack(frame)
        holders[frame] = .engine
      default:
        guard random(20) == 0 else { continue }
        let expected = holders.indices.filter { holders[$0] == .function(function) }
        var found: [Int] = []
        #expect(ledger.reclaimHeld(from: function) { found.append($0) } == expected.count)
        #expect(found == expected, "seed \(seed), \(step)")
        for frame in expected { holders[frame] = .engine }
      }
      #expect(ledger.inKernel == holders.count { $0 == .engine }, "seed \(seed), \(step)")
      #expect(ledger.inSending == holders.count { $0 == .sending }, "seed \(seed), \(step)")
      for function in 0..<functions {
        #expect(
          ledger.heldCount(by: function) == holders.count { $0 == .function(function) }, "seed \(seed)")
      }
      #expect(ledger.freeCount == 0)
    }
  }

  @Test("a frame beyond memory is nobody's to receive")
  func beyond() {
    var ledger = FrameLedger(frames: 2, functions: 1)
    ledger.giveAll()
    #expect(!ledger.receive(2, by: 0) && ledger.receive(1, by: 0) && !ledger.receive(1, by: 0))
  }
}
