import CLibBPF
import CMedullaABI
import DatapathCases
import MedullaKernel
import Testing

@testable import MedullaDatapath

@Suite("the control block", .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct ControlBlockTests {
  private func map(bytes: Int = MemoryLayout<medulla_control>.size) throws -> BPFMap {
    try BPFMap(
      creating: BPF_MAP_TYPE_ARRAY, name: "control", keySize: 4, valueSize: bytes, entries: 1,
      flags: UInt32(BPF_F_MMAPABLE))
  }

  /// The layout that programs see, read without the control block's own code.
  private func control(_ map: BPFMap) throws -> medulla_control {
    try map.bytes(at: 0).withUnsafeBytes { $0.loadUnaligned(as: medulla_control.self) }
  }

  @Test("one of another size is another version's")
  func size() throws {
    let larger = try map(bytes: MemoryLayout<medulla_control>.size + 8)
    #expect(throws: DatapathError.self) { try ControlBlock(larger) }
    _ = try ControlBlock(map())
  }

  @Test("each option is a bit of its own, and is read back as it was written")
  func options() throws {
    let map = try map()
    let block = try ControlBlock(map)
    let options: [(path: ReferenceWritableKeyPath<ControlBlock, Bool>, bit: UInt32)] = [
      (\.measures, MEDULLA_MEASURE), (\.isRetired, MEDULLA_RETIRED), (\.follows, MEDULLA_FOLLOW),
    ]
    for (path, bit) in options {
      #expect(!block[keyPath: path])
      block[keyPath: path] = true
      #expect(options.map { block[keyPath: $0.path] } == options.map { $0.path == path })
      #expect(try control(map).options == bit)
      block[keyPath: path] = false
      #expect(try control(map).options == 0)
    }
  }

  @Test("what another set's operator has set is taken over, each value to its place")
  func settings() throws {
    let (from, to) = (try ControlBlock(map()), try ControlBlock(map()))
    from.attachedNanoseconds = 3
    from.drainLimitNanoseconds = 5
    from.measures = true
    from.follows = true
    from.sampleEvery = 7
    to.takeSettings(of: from)
    #expect(to.attachedNanoseconds == 3 && to.drainLimitNanoseconds == 5 && to.sampleEvery == 7)
    #expect(to.measures && to.follows && !to.isRetired)
  }

  @Test("each slot's description is read back, and no other slot's changes")
  func slots() throws {
    let map = try map()
    let block = try ControlBlock(map)
    for index in 0..<SlotTable.capacity {
      let digest = (0..<32).map { UInt8(index * 32 + $0) }
      block.describe(
        index, Router.Identity(digest: digest, shape: [], name: "network-\(index)"),
        version: UInt64(index) + 1, now: UInt64(index) + 100)
      block.setRetired(index, at: UInt64(index) + 200)
      block.setMoving(index, index % 2 == 1)
    }
    for (index, slot) in block.table().slots.enumerated() {
      #expect(slot.version == UInt64(index) + 1 && slot.name == "network-\(index)")
      #expect(slot.digest == (0..<32).map { UInt8(index * 32 + $0) })
      #expect(slot.loadedNanoseconds == UInt64(index) + 100)
      #expect(slot.retiredNanoseconds == UInt64(index) + 200)
      #expect(slot.isMoving == (index % 2 == 1))
    }
    #expect(try control(map).slots.3.version == 4 && control(map).slots.3.digest.31 == 3 * 32 + 31)
    // One that is cleared is empty at once, whatever words are left of it.
    block.clear(3)
    #expect(block.table().slots[3] == SlotTable.Slot())
    #expect(block.table().slots[4].version == 5)
  }

  @Test("a name that is too long is cut between characters, and the zero after it stays")
  func names() throws {
    let map = try map()
    let block = try ControlBlock(map)
    for (name, kept) in [
      (String(repeating: "a", count: 31), String(repeating: "a", count: 31)),
      (String(repeating: "a", count: 32), String(repeating: "a", count: 31)),
      (String(repeating: "é", count: 16), String(repeating: "é", count: 15)), ("", ""),
    ] {
      block.describe(0, Router.Identity(digest: [9], shape: [], name: name), version: 1, now: 0)
      #expect(block.table().slots[0].name == kept)
      #expect(block.table().slots[0].digest == [9] + [UInt8](repeating: 0, count: 31))
    }
  }

  @Test("the way back, the active slot and the candidate are places, or none")
  func places() throws {
    let block = try ControlBlock(map())
    block.active = 7
    block.staged = 6
    block.previous = Router.Place(generation: 5, slot: 4)
    #expect(block.active == 7 && block.staged == 6)
    #expect(block.previous == Router.Place(generation: 5, slot: 4))
    (block.active, block.staged, block.previous) = (nil, nil, nil)
    #expect(block.active == nil && block.staged == nil && block.previous == nil)
  }
}
