import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("Places in the order of their use")
struct RecencyListTests {
  @Test("the oldest is the one that a plain array says", arguments: 1...20 as ClosedRange<UInt64>)
  func plain(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var (list, plain, free, count) = (RecencyList(), [Int](), [Int](), 0)
    for step in 0..<2_000 {
      switch Int.random(in: 0...2, using: &generator) {
      case 0 where plain.count < 20:
        let place = free.popLast() ?? count
        count = max(count, place + 1)
        list.insert(place)
        plain.append(place)
      case 1:
        guard let place = plain.randomElement(using: &generator) else { continue }
        list.use(place)
        plain.removeAll { $0 == place }
        plain.append(place)
      default:
        guard let place = plain.randomElement(using: &generator) else { continue }
        list.remove(place)
        plain.removeAll { $0 == place }
        free.append(place)
      }
      #expect(list.oldest == plain.first, "seed \(seed), step \(step)")
    }
  }
}
