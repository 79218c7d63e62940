import CMedullaFabric
import FabricProperties
import Foundation
import MedullaBase
import MedullaFabric
import Testing

@Suite("Cells of a fabric")
struct CellTests {
  private static func header(_ generator: inout SeededGenerator) -> fabric_cell {
    var header = fabric_cell()
    header.type = UInt8.random(in: 1...4, using: &generator)
    header.hops = UInt8.random(in: 0...64, using: &generator)
    header.model = UInt16.random(in: 0...UInt16.max, using: &generator)
    header.epoch = UInt16.random(in: 0...UInt16.max, using: &generator)
    header.label = UInt16.random(in: 0...UInt16.max, using: &generator)
    header.client = UInt16.random(in: 0...UInt16.max, using: &generator)
    header.inference = UInt32.random(in: 0...UInt32.max, using: &generator)
    header.chunks = UInt16.random(in: 1...1_024, using: &generator)
    header.chunk = UInt16.random(in: 0..<header.chunks, using: &generator)
    header.attempt = UInt8.random(in: 0...UInt8.max, using: &generator)
    header.pass = header.type == 1 ? UInt16.random(in: 0...UInt16.max, using: &generator) : 0
    header.time = UInt64.random(in: 0...UInt64.max, using: &generator)
    return header
  }

  @Test("a cell that is read is the one that was written, and no flipped bit of it passes")
  func roundTrip() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    for round in 0..<200 {
      let header = Self.header(&generator)
      let payload = (0..<Int.random(in: 0...1_200, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      let frame = FabricCell.frame(header, payload: payload, size: 1_200)
      #expect(frame.count == 1_248)
      let cell = try FabricCell(frame)
      #expect(cell.payload == payload, "seed \(seed), round \(round)")
      #expect(
        FabricCell.frame(cell.header, payload: payload, size: 1_200) == frame, "seed \(seed), round \(round)")
      for _ in 0..<20 {
        var damaged = frame
        let bit = Int.random(in: 14 * 8..<frame.count * 8, using: &generator)
        // A checksum that is taken away is none.
        guard !(36..<38).contains(bit / 8) else { continue }
        damaged[bit / 8] ^= 1 << (bit % 8)
        #expect(throws: FabricCell.Refusal.self, "seed \(seed), round \(round), bit \(bit)") {
          try FabricCell(damaged)
        }
      }
    }
  }

  @Test("what is no cell is told, each by its cause")
  func refused() throws {
    var header = fabric_cell()
    (header.type, header.chunks, header.hops) = (1, 2, 8)
    let whole = FabricCell.frame(header, payload: [1, 2, 3], size: 16)
    func refusal(_ change: (inout [UInt8]) -> Void) -> FabricCell.Refusal? {
      var frame = whole
      frame[36] = 0
      frame[37] = 0
      change(&frame)
      do throws(FabricCell.Refusal) {
        _ = try FabricCell(frame)
        return nil
      } catch { return error }
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0[12] = 8 } == .other && refusal { $0 = [] } == .other)
    #expect(refusal { $0 = Array($0.prefix(20)) } == .cut && refusal { $0[33] = 17 } == .cut)
    #expect(refusal { $0[14] = 0x21 } == .foreign)
    for (place, value) in [(14, 0x10), (14, 0x15), (15, 65), (29, 2), (31, 0), (30, 0x20), (35, 1)] {
      #expect(refusal { $0[place] = UInt8(value) } == .wrong, "byte \(place)")
    }
    #expect(refusal { $0[38] = 1 } == nil)
    #expect(refusal { ($0[14], $0[38]) = (0x12, 1) } == .wrong)
    #expect(refusal { $0[36] = 1 } == .damaged)
  }

  @Test("what holds for cells holds for the corpus and for seeded mutations of it")
  func corpus() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("fuzz/corpus/fabriccell")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(files.count >= 10)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(file)))
      #expect(CellProperties.violation(bytes) == nil, "\(file)")
      for seed in 1...200 as ClosedRange<UInt64> {
        var generator = SeededGenerator(seed: seed)
        var mutant = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          mutant[Int.random(in: mutant.indices, using: &generator)] = UInt8.random(
            in: 0...255, using: &generator)
        }
        if let violation = CellProperties.violation(mutant) {
          Issue.record("\(file), seed \(seed): \(violation)")
        }
      }
    }
  }
}
