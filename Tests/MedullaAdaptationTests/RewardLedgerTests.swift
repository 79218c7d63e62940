import MedullaDatapath
import Testing

@testable import MedullaAdaptation

@Suite("rewards by time, version and unit")
struct RewardLedgerTests {
  private func reward(_ seconds: Double, version: UInt64 = 1, unit: UInt64 = 1, _ value: Double = 1)
    -> RewardSample
  {
    RewardSample(version: version, unit: unit, reward: value, time: .seconds(seconds))
  }

  @Test("a side is of the slices from its beginning up to, and without, its end")
  func halfOpen() {
    var ledger = RewardLedger(slice: .seconds(1), unit: .flow)
    ledger.add((0..<10).map { reward(Double($0)) })
    let side = ledger.side(from: .seconds(3), to: .seconds(6), of: 1)
    #expect(side.pieces.map(\.slice) == [3, 4, 5])
    #expect(ledger.side(from: .seconds(3), to: .seconds(6), of: 2).pieces.isEmpty)
    #expect(ledger.side(from: .seconds(3), to: .seconds(6), of: 2, isOther: true).pieces.count == 3)
  }

  @Test("what lies before a time is forgotten, that of its slice is kept, and time does not come back")
  func forgetting() {
    var ledger = RewardLedger(slice: .seconds(1), unit: .flow)
    ledger.add((0..<10).map { reward(Double($0)) })
    ledger.forget(before: .seconds(4.5))
    #expect(ledger.pieces.keys.map(\.slice).sorted() == Array(4..<10))
    ledger.forget(before: .seconds(2))
    #expect(ledger.pieces.count == 6)
    ledger.add([reward(1)])
    ledger.forget(before: .seconds(2))
    #expect(ledger.pieces.count == 6)
  }

  @Test("means of slices come in the order of time, those of units in the order of units")
  func order() {
    var ledger = RewardLedger(slice: .seconds(1), unit: .flow)
    for slice in [7, 2, 9, 4, 1, 8, 3] {
      for unit in [5, 3, 8, 1] as [UInt64] {
        ledger.add([reward(Double(slice), unit: unit, Double(slice) * 100 + Double(unit))])
      }
    }
    let side = ledger.side(from: .zero, to: .seconds(10), of: 1)
    #expect(side.series == [1, 2, 3, 4, 7, 8, 9].map { Double($0) * 100 + 4.25 })
    let mean = 3_400.0 / 7
    #expect(zip(side.units, [1, 3, 5, 8]).allSatisfy { abs($0 - mean - $1) < 1e-9 } && side.units.count == 4)
    #expect(side.samples == 28 && side.groups == [1, 3, 5, 8])
  }
}
