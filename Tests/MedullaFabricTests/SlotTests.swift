import CMedullaFabric
import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

/// Cells of one layer as they come in any way, and what leaves: where a prototype went wrong, among others.
@Suite("A layer's cells")
struct SlotTests {
  private static let seed: UInt64 = 15

  /// One layer of a network, with inputs and the outputs that it must give.
  private struct Layer {
    private(set) var task: InstalledTask
    let memory: SwitchMemory
    let lowered: LoweredTask
    let room: InstalledTask.Room
    let payloads: [[UInt8]]
    let expected: [[UInt8]]

    init(_ stage: Int, slots: Int = 2) throws {
      var random = SeededGenerator(seed: SlotTests.seed)
      let network = try ImageNetwork.small.network(using: &random)
      let samples = ImageNetwork.images(8, using: &random)
      let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
        network, Calibration(samples: samples))
      let stages = try Stage.all(of: snapshot.shape)
      let lowering = try StageLowering(
        snapshot, stages, parts: stages.map { [0..<$0.channels] }, cells: CellFormat(payloadBytes: 128))
      let trace = ReferenceInterpreter(snapshot).trace(features: snapshot.shape.fixedPoint(samples[0]))
      lowered = try lowering.task(stage: stage, part: 0)
      room = InstalledTask.Room(slots: slots, clients: 1, processors: 2)
      memory = try #require(SwitchMemory(private: 2 * InstalledTask.byteCount(of: lowered, room: room)))
      task = try InstalledTask(lowered, room: room, in: memory)
      payloads = lowering.tensors[stage].payloads(of: trace[stages[stage].firstStep], cells: lowering.cells)
      expected = lowering.tensors[stage + 1].payloads(
        of: trace[stages[stage].lastStep + 1], cells: lowering.cells)
    }

    /// The same layer in another epoch, in the same memory.
    func twin() throws -> Layer {
      var twin = self
      twin.task = try InstalledTask(lowered, room: room, in: memory, beside: task)
      return twin
    }

    func send(_ cell: Int, inference: UInt32 = 1, lane: UInt64 = 0) -> Int32 {
      fabric_cell_in(task.address, 0, inference, UInt32(cell), payloads[cell], lane)
    }

    /// Cells that leave now, by number.
    func leaving(inference: UInt32 = 1) -> [Int: [UInt8]] {
      var cells: [Int: [UInt8]] = [:]
      var payload = [UInt8](repeating: 0, count: Int(FABRIC_STAGING_BYTES))
      var bytes: UInt32 = 0
      while true {
        let number = fabric_cell_out(task.address, 0, inference, &payload, &bytes)
        guard number >= 0 else { return cells }
        let padding = [UInt8](repeating: 0, count: 128 - Int(bytes))
        cells[Int(number)] = payload.prefix(Int(bytes)) + padding
      }
    }

    func areRight(_ cells: [Int: [UInt8]]) -> Bool { cells.allSatisfy { expected[$0.key] == $0.value } }
  }

  @Test("outputs of one inference leave those of the next slot alone")
  func neighbours() throws {
    for stage in 0..<6 {
      let layer = try Layer(stage)
      for inference in [UInt32(1), 2] {
        for cell in layer.payloads.indices { _ = layer.send(cell, inference: inference) }
      }
      for inference in [UInt32(2), 1] {
        let cells = layer.leaving(inference: inference)
        #expect(cells.count == layer.expected.count && layer.areRight(cells), "stage \(stage)")
      }
    }
  }

  @Test("a layer in two epochs has one set of weights, and inferences of its own in each")
  func twins() throws {
    for stage in 0..<6 {
      let layer = try Layer(stage)
      let free = layer.memory.freeBytes
      let twin = try layer.twin()
      #expect(twin.task.constants == layer.task.constants)
      #expect(free - layer.memory.freeBytes == twin.task.ranges.reduce(0) { $0 + $1.count })
      for cell in layer.payloads.indices {
        _ = layer.send(cell)
        _ = twin.send(cell)
      }
      for each in [twin, layer] {
        let cells = each.leaving()
        #expect(cells.count == layer.expected.count && layer.areRight(cells), "stage \(stage)")
      }
    }
  }

  @Test("nothing leaves before it is whole, however often it is asked for")
  func ready() throws {
    let layer = try Layer(3)
    let none = [UInt64](repeating: 0, count: Int(FABRIC_MASK_WORDS))
    for cell in layer.payloads.indices.dropLast() {
      #expect(layer.send(cell) == 0)
      #expect(fabric_cells_again(layer.task.address, 0, 1, none) == 0 && layer.leaving().isEmpty)
    }
    #expect(layer.send(layer.payloads.count - 1) == Int32(layer.expected.count))
    #expect(layer.areRight(layer.leaving()))
  }

  @Test("a row that fills a gap sets free all rows that waited for it")
  func gap() throws {
    let layer = try Layer(1)
    let middle = layer.payloads.count / 2
    var made: [Int: [UInt8]] = [:]
    for cell in layer.payloads.indices where cell != middle {
      _ = layer.send(cell)
      made.merge(layer.leaving()) { one, _ in one }
    }
    let waiting = layer.expected.count - made.count
    #expect(waiting > 1)
    #expect(layer.send(middle) == Int32(waiting))
    made.merge(layer.leaving()) { one, _ in one }
    #expect(made.count == layer.expected.count && layer.areRight(made))
  }

  @Test("all outputs that are missing are sent again, also where there are more of them than inputs")
  func again() throws {
    let layer = try Layer(3)
    #expect(layer.expected.count >= 1 && layer.payloads.count >= 1)
    for cell in layer.payloads.indices { _ = layer.send(cell) }
    #expect(layer.leaving().count == layer.expected.count)
    #expect(layer.leaving().isEmpty)
    for has in 0..<layer.expected.count {
      var bits = [UInt64](repeating: 0, count: Int(FABRIC_MASK_WORDS))
      bits[has / 64] |= 1 << UInt64(has % 64)
      #expect(fabric_cells_again(layer.task.address, 0, 1, bits) == Int32(layer.expected.count - 1))
      let cells = layer.leaving()
      #expect(cells.count == layer.expected.count - 1 && cells[has] == nil && layer.areRight(cells))
    }
  }

  @Test("cells that come twice change nothing, and late ones of an inference that has gone neither")
  func repeated() throws {
    let layer = try Layer(4)
    var random = SeededGenerator(seed: Self.seed)
    for cell in layer.payloads.indices {
      _ = layer.send(cell)
      let before = (0...cell).randomElement(using: &random) ?? 0
      #expect(layer.send(before) == FABRIC_IN_REPEATED)
    }
    #expect(layer.areRight(layer.leaving()))
    // The slot goes to inference 3; what is late of 1 finds it taken.
    #expect(layer.send(0, inference: 3) >= 0)
    #expect(layer.send(0, inference: 1) == FABRIC_IN_LATE && layer.leaving(inference: 1).isEmpty)
    for cell in layer.payloads.indices.dropFirst() { _ = layer.send(cell, inference: 3) }
    #expect(layer.areRight(layer.leaving(inference: 3)))
  }

  @Test("two processors' sums are put together")
  func processors() throws {
    for stage in [2, 3] {
      let layer = try Layer(stage)
      for cell in layer.payloads.indices { _ = layer.send(cell, lane: UInt64(cell % 2)) }
      let cells = layer.leaving()
      #expect(cells.count == layer.expected.count && layer.areRight(cells), "stage \(stage)")
    }
  }
}
