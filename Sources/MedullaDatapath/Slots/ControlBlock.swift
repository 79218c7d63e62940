import CMedullaABI
import MedullaKernel

/// `struct medulla_control`, in memory that the kernel's programs read.
package final class ControlBlock {
  private let memory: MappedMap

  package static let interfaceVersion = UInt32(MEDULLA_INTERFACE_VERSION)

  init(_ map: BPFMap) throws {
    guard map.valueSize == MemoryLayout<medulla_control>.size else {
      throw DatapathError(
        .foreignVersion,
        "the control block has \(map.valueSize) bytes, not \(MemoryLayout<medulla_control>.size)",
        remedy: "it was attached by another version; detach it and attach again")
    }
    memory = try MappedMap(map)
  }

  private subscript(field: KeyPath<medulla_control, UInt32>) -> UInt32 {
    get { memory.load32(at: Self.offset(field)) }
    set { memory.store32(newValue, at: Self.offset(field)) }
  }

  private subscript(field: KeyPath<medulla_control, UInt64>) -> UInt64 {
    get { memory.load64(at: Self.offset(field)) }
    set { memory.store64(newValue, at: Self.offset(field)) }
  }

  var version: UInt32 {
    get { self[\.interface_version] }
    set { self[\.interface_version] = newValue }
  }

  /// The swap: one store.
  var active: Int? {
    get { Self.slot(self[\.active]) }
    set { self[\.active] = newValue.map(UInt32.init) ?? MEDULLA_NO_SLOT }
  }

  var previous: Router.Place? {
    get {
      guard let slot = Self.slot(self[\.previous]) else { return nil }
      return Router.Place(generation: Int(self[\.previous_generation]), slot: slot)
    }
    set {
      // The slot goes last and is taken away first: a reader never sees half of a place.
      self[\.previous] = MEDULLA_NO_SLOT
      guard let newValue else { return }
      self[\.previous_generation] = UInt32(newValue.generation)
      self[\.previous] = UInt32(newValue.slot)
    }
  }

  var measures: Bool {
    get { self[\.options] & MEDULLA_MEASURE != 0 }
    set { setOption(MEDULLA_MEASURE, newValue) }
  }

  /// Its flows leave this program set, each at its next packet.
  package var isRetired: Bool {
    get { self[\.options] & MEDULLA_RETIRED != 0 }
    set { setOption(MEDULLA_RETIRED, newValue) }
  }

  /// Flows need no consistency: each takes the active slot at its next packet.
  var follows: Bool {
    get { self[\.options] & MEDULLA_FOLLOW != 0 }
    set { setOption(MEDULLA_FOLLOW, newValue) }
  }

  /// The slot of the candidate; while there is one and `shadowEvery` is not 0 it infers beside the active
  /// one.
  var staged: Int? {
    get { Self.slot(self[\.staged]) }
    set { self[\.staged] = newValue.map(UInt32.init) ?? MEDULLA_NO_SLOT }
  }

  /// Every n-th decision of a flow goes up as a sample; 0: none.
  var sampleEvery: UInt32 {
    get { self[\.sample_every] }
    set { self[\.sample_every] = newValue }
  }

  /// 0: the staged snapshot is not asked.
  var shadowEvery: UInt32 {
    get { self[\.shadow_every] }
    set { self[\.shadow_every] = newValue }
  }

  /// What the words of features and outputs mean.
  package var formats: FunctionFormats {
    get {
      FunctionFormats(
        inputs: Int(self[\.inputs]), outputs: Int(self[\.outputs]),
        featureFractionBits: Int(self[\.feature_fraction_bits]),
        outputFractionBits: Int(self[\.output_fraction_bits]))
    }
    set {
      self[\.inputs] = UInt32(clamping: newValue.inputs)
      self[\.outputs] = UInt32(clamping: newValue.outputs)
      self[\.feature_fraction_bits] = UInt32(clamping: newValue.featureFractionBits)
      self[\.output_fraction_bits] = UInt32(clamping: newValue.outputFractionBits)
    }
  }

  var nextVersion: UInt64 {
    get { self[\.next_version] }
    set { self[\.next_version] = newValue }
  }

  var drainLimitNanoseconds: UInt64 {
    get { self[\.drain_limit_ns] }
    set { self[\.drain_limit_ns] = newValue }
  }

  var attachedNanoseconds: UInt64 {
    get { self[\.attached_ns] }
    set { self[\.attached_ns] = newValue }
  }

  /// When another program set took the instance's name; 0 while this one has it.
  var leftNanoseconds: UInt64 {
    get { self[\.left_ns] }
    set { self[\.left_ns] = newValue }
  }

  /// The pin of the program set's first slot.
  var firstPin: Int {
    get { Int(self[\.first_pin]) }
    set { self[\.first_pin] = UInt32(clamping: newValue) }
  }

  var shape: [UInt8] {
    get { bytes(at: Self.offset(\.shape), count: Self.size(\.shape)) }
    set { store(newValue, at: Self.offset(\.shape), count: Self.size(\.shape)) }
  }

  /// Describes a program set that has no snapshot yet.
  func fill(_ snapshot: DatapathSnapshot, generation: Int) {
    version = Self.interfaceVersion
    active = nil
    previous = nil
    staged = nil
    nextVersion = 1
    formats = snapshot.formats
    shape = snapshot.shapeDigest
    firstPin = Router.firstPin(of: generation)
  }

  func apply(_ settings: InstanceSettings) throws(DatapathError) {
    drainLimitNanoseconds = settings.drainLimitNanoseconds
    measures = settings.measures
    follows = !settings.isConsistent
    sampleEvery = try Sampling.every(settings.sampleEvery)
  }

  /// What an operator has set stays when another program set takes over.
  func takeSettings(of other: ControlBlock) {
    attachedNanoseconds = other.attachedNanoseconds
    drainLimitNanoseconds = other.drainLimitNanoseconds
    measures = other.measures
    follows = other.follows
    sampleEvery = other.sampleEvery
  }

  private func setOption(_ option: UInt32, _ on: Bool) {
    let options = self[\.options]
    self[\.options] = on ? options | option : options & ~option
  }

  private static func slot(_ raw: UInt32) -> Int? { raw < UInt32(SlotTable.capacity) ? Int(raw) : nil }

  private static func offset(_ field: PartialKeyPath<medulla_control>) -> Int {
    MemoryLayout<medulla_control>.place(of: field)
  }

  private static func size<Field>(_ field: KeyPath<medulla_control, Field>) -> Int {
    MemoryLayout<Field>.size
  }
}

extension ControlBlock {
  private static func place(_ index: Int, _ field: PartialKeyPath<medulla_slot>) -> Int {
    offset(\.slots) + index * MemoryLayout<medulla_slot>.stride + MemoryLayout<medulla_slot>.place(of: field)
  }

  private static func slotSize<Field>(_ field: KeyPath<medulla_slot, Field>) -> Int {
    MemoryLayout<Field>.size
  }

  /// What is loaded, without flow counts, which are in a map of their own.
  func table() -> SlotTable {
    SlotTable(slots: (0..<SlotTable.capacity).map(slot), active: active, staged: staged)
  }

  /// Times that a slot is read again when another command wrote it meanwhile.
  private static let readLimit = 4

  /// Of one snapshot: the version is the same before and after. One that is being written counts as empty.
  private func slot(_ index: Int) -> SlotTable.Slot {
    for _ in 0..<Self.readLimit {
      let slot = readSlot(index)
      memory.fence()
      if memory.load64(at: Self.place(index, \.version)) == slot.version { return slot }
    }
    return SlotTable.Slot()
  }

  private func readSlot(_ index: Int) -> SlotTable.Slot {
    var slot = SlotTable.Slot()
    slot.version = memory.load64(at: Self.place(index, \.version))
    guard slot.version > 0 else { return slot }
    slot.loadedNanoseconds = memory.load64(at: Self.place(index, \.loaded_ns))
    slot.retiredNanoseconds = memory.load64(at: Self.place(index, \.retired_ns))
    slot.isMoving = memory.load32(at: Self.place(index, \.flags)) & MEDULLA_SLOT_MOVE != 0
    slot.digest = bytes(at: Self.place(index, \.digest), count: Self.slotSize(\.digest))
    let name = bytes(at: Self.place(index, \.name), count: Self.slotSize(\.name))
    slot.name = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    return slot
  }

  /// Marks a slot as empty, before its image is written.
  func clear(_ index: Int) {
    memory.store64(0, at: Self.place(index, \.version))
    memory.fence()
  }

  /// Describes a slot after its image is written; the version, which makes it count, goes last.
  func describe(_ index: Int, _ identity: Router.Identity, version: UInt64, now: UInt64) {
    memory.store64(now, at: Self.place(index, \.loaded_ns))
    memory.store64(0, at: Self.place(index, \.retired_ns))
    memory.store32(0, at: Self.place(index, \.flags))
    store(identity.digest, at: Self.place(index, \.digest), count: Self.slotSize(\.digest))
    store(
      Self.shortened(identity.name), at: Self.place(index, \.name), count: Self.slotSize(\.name))
    memory.store64(version, at: Self.place(index, \.version))
  }

  func setRetired(_ index: Int, at time: UInt64) {
    memory.store64(time, at: Self.place(index, \.retired_ns))
  }

  func setMoving(_ index: Int, _ moving: Bool) {
    memory.store32(moving ? MEDULLA_SLOT_MOVE : 0, at: Self.place(index, \.flags))
  }

  /// As many whole characters as fit before a closing zero.
  private static func shortened(_ text: String) -> [UInt8] {
    var kept = text
    while kept.utf8.count >= slotSize(\.name) { kept.removeLast() }
    return Array(kept.utf8)
  }

  private func bytes(at offset: Int, count: Int) -> [UInt8] {
    memory.words(at: offset, count: count / 8).flatMap { word in
      withUnsafeBytes(of: word.littleEndian) { Array($0) }
    }
  }

  /// Zero-padded, in words.
  private func store(_ bytes: [UInt8], at offset: Int, count: Int) {
    let padded = bytes.prefix(count) + Array(repeating: 0, count: max(count - bytes.count, 0))
    let all = Array(padded)
    let words = stride(from: 0, to: count, by: 8).map { start -> Int64 in
      var word: Int64 = 0
      for index in 0..<8 { word |= Int64(all[start + index]) << Int64(8 * index) }
      return word
    }
    memory.store(words: words, at: offset)
  }
}

extension MemoryLayout {
  /// Where a field of an imported struct is.
  static func place(of field: PartialKeyPath<T>) -> Int {
    guard let offset = offset(of: field) else { preconditionFailure("\(field) is no stored field") }
    return offset
  }
}
