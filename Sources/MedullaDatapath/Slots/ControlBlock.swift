import MedullaKernel

/// `struct medulla_control`, in memory that the kernel's programs read.
final class ControlBlock {
  private typealias Field = KernelLayout.Control
  private let memory: MappedMap

  init(_ map: BPFMap) throws {
    guard map.valueSize == KernelLayout.Control.size else {
      throw DatapathError(
        .foreignVersion, "the control block has \(map.valueSize) bytes, not \(KernelLayout.Control.size)",
        remedy: "it was attached by another version; detach it and attach again")
    }
    memory = try MappedMap(map)
  }

  var interfaceVersion: UInt32 {
    get { memory.load32(at: Field.interfaceVersion) }
    set { memory.store32(newValue, at: Field.interfaceVersion) }
  }

  /// The swap: one store.
  var active: Int? {
    get { Self.slot(memory.load32(at: Field.active)) }
    set { memory.store32(newValue.map(UInt32.init) ?? KernelLayout.noSlot, at: Field.active) }
  }

  var previous: Router.Place? {
    get {
      guard let slot = Self.slot(memory.load32(at: Field.previous)) else { return nil }
      return Router.Place(generation: Int(memory.load32(at: Field.previousGeneration)), slot: slot)
    }
    set {
      // The slot goes last and is taken away first: a reader never sees half of a place.
      memory.store32(KernelLayout.noSlot, at: Field.previous)
      guard let newValue else { return }
      memory.store32(UInt32(newValue.generation), at: Field.previousGeneration)
      memory.store32(UInt32(newValue.slot), at: Field.previous)
    }
  }

  var measures: Bool {
    get { memory.load32(at: Field.options) & KernelLayout.optionMeasure != 0 }
    set { setOption(KernelLayout.optionMeasure, newValue) }
  }

  var isRetired: Bool {
    get { memory.load32(at: Field.options) & KernelLayout.optionRetired != 0 }
    set { setOption(KernelLayout.optionRetired, newValue) }
  }

  /// Flows need no consistency: each takes the active slot at its next packet.
  var follows: Bool {
    get { memory.load32(at: Field.options) & KernelLayout.optionFollow != 0 }
    set { setOption(KernelLayout.optionFollow, newValue) }
  }

  /// The slot of the candidate; while there is one and `shadowEvery` is not 0 it infers beside the active
  /// one.
  var staged: Int? {
    get { Self.slot(memory.load32(at: Field.staged)) }
    set { memory.store32(newValue.map(UInt32.init) ?? KernelLayout.noSlot, at: Field.staged) }
  }

  /// Every n-th decision of a flow goes up as a sample; 0: none.
  var sampleEvery: UInt32 {
    get { memory.load32(at: Field.sampleEvery) }
    set { memory.store32(newValue, at: Field.sampleEvery) }
  }

  /// 0: the staged snapshot is not asked.
  var shadowEvery: UInt32 {
    get { memory.load32(at: Field.shadowEvery) }
    set { memory.store32(newValue, at: Field.shadowEvery) }
  }

  /// What the words of features and outputs mean.
  var formats: FunctionFormats {
    get {
      FunctionFormats(
        inputs: Int(memory.load32(at: Field.inputs)), outputs: Int(memory.load32(at: Field.outputs)),
        featureFractionBits: Int(memory.load32(at: Field.featureFractionBits)),
        outputFractionBits: Int(memory.load32(at: Field.outputFractionBits)))
    }
    set {
      memory.store32(UInt32(clamping: newValue.inputs), at: Field.inputs)
      memory.store32(UInt32(clamping: newValue.outputs), at: Field.outputs)
      memory.store32(UInt32(clamping: newValue.featureFractionBits), at: Field.featureFractionBits)
      memory.store32(UInt32(clamping: newValue.outputFractionBits), at: Field.outputFractionBits)
    }
  }

  var nextVersion: UInt64 {
    get { memory.load64(at: Field.nextVersion) }
    set { memory.store64(newValue, at: Field.nextVersion) }
  }

  var drainLimitNanoseconds: UInt64 {
    get { memory.load64(at: Field.drainLimit) }
    set { memory.store64(newValue, at: Field.drainLimit) }
  }

  var attachedNanoseconds: UInt64 {
    get { memory.load64(at: Field.attached) }
    set { memory.store64(newValue, at: Field.attached) }
  }

  /// When another program set took the instance's name; 0 while this one has it.
  var leftNanoseconds: UInt64 {
    get { memory.load64(at: Field.left) }
    set { memory.store64(newValue, at: Field.left) }
  }

  var shape: [UInt8] {
    get { bytes(at: Field.shape, count: KernelLayout.shapeBytes) }
    set { store(newValue, at: Field.shape, count: KernelLayout.shapeBytes) }
  }

  /// TCP's name of the instance; where flows go when the program set is retired.
  var congestion: String {
    get { text(at: Field.congestion, count: KernelLayout.congestionNameBytes) }
    set { store(Array(newValue.utf8), at: Field.congestion, count: KernelLayout.congestionNameBytes) }
  }

  /// The default congestion control when the instance was attached.
  var before: String {
    get { text(at: Field.before, count: KernelLayout.congestionNameBytes) }
    set { store(Array(newValue.utf8), at: Field.before, count: KernelLayout.congestionNameBytes) }
  }

  /// Where a custom function is attached, as the user wrote it; empty for the congestion control.
  var hook: String {
    get { text(at: Field.hook, count: KernelLayout.hookBytes) }
    set { store(Array(newValue.utf8), at: Field.hook, count: KernelLayout.hookBytes) }
  }

  /// Describes a program set that has no snapshot yet.
  func fill(_ snapshot: DatapathSnapshot, name: InstanceName) {
    interfaceVersion = KernelLayout.interfaceVersion
    active = nil
    previous = nil
    staged = nil
    nextVersion = 1
    formats = snapshot.formats
    shape = snapshot.shapeDigest
    congestion = name.congestion
  }

  /// What an operator has set stays when another program set takes over.
  func takeSettings(of other: ControlBlock) {
    before = other.before
    hook = other.hook
    attachedNanoseconds = other.attachedNanoseconds
    drainLimitNanoseconds = other.drainLimitNanoseconds
    measures = other.measures
    follows = other.follows
    sampleEvery = other.sampleEvery
  }

  /// What is loaded, without flow counts, which are in a map of their own.
  func table() -> SlotTable {
    SlotTable(slots: (0..<SlotTable.capacity).map(slot), active: active, staged: staged)
  }

  private func slot(_ index: Int) -> SlotTable.Slot {
    let base = Field.slots + index * KernelLayout.Slot.size
    var slot = SlotTable.Slot()
    slot.version = memory.load64(at: base + KernelLayout.Slot.version)
    guard slot.version > 0 else { return slot }
    slot.loadedNanoseconds = memory.load64(at: base + KernelLayout.Slot.loaded)
    slot.retiredNanoseconds = memory.load64(at: base + KernelLayout.Slot.retired)
    slot.isMoving = memory.load32(at: base + KernelLayout.Slot.flags) & KernelLayout.slotFlagMove != 0
    slot.digest = bytes(at: base + KernelLayout.Slot.digest, count: KernelLayout.Slot.digestBytes)
    slot.name = text(at: base + KernelLayout.Slot.name, count: KernelLayout.Slot.nameBytes)
    return slot
  }

  /// Marks a slot as empty, before its image is written.
  func clear(_ index: Int) {
    memory.store64(0, at: Field.slots + index * KernelLayout.Slot.size + KernelLayout.Slot.version)
  }

  /// Describes a slot after its image is written; the version, which makes it count, goes last.
  func describe(_ index: Int, _ identity: Router.Identity, version: UInt64, now: UInt64) {
    let base = Field.slots + index * KernelLayout.Slot.size
    memory.store64(now, at: base + KernelLayout.Slot.loaded)
    memory.store64(0, at: base + KernelLayout.Slot.retired)
    memory.store32(0, at: base + KernelLayout.Slot.flags)
    store(identity.digest, at: base + KernelLayout.Slot.digest, count: KernelLayout.Slot.digestBytes)
    store(
      Self.shortened(identity.name), at: base + KernelLayout.Slot.name, count: KernelLayout.Slot.nameBytes)
    memory.store64(version, at: base + KernelLayout.Slot.version)
  }

  func setRetired(_ index: Int, at time: UInt64) {
    memory.store64(time, at: Field.slots + index * KernelLayout.Slot.size + KernelLayout.Slot.retired)
  }

  func setMoving(_ index: Int, _ moving: Bool) {
    let offset = Field.slots + index * KernelLayout.Slot.size + KernelLayout.Slot.flags
    memory.store32(moving ? KernelLayout.slotFlagMove : 0, at: offset)
  }

  private func setOption(_ option: UInt32, _ on: Bool) {
    let options = memory.load32(at: Field.options)
    memory.store32(on ? options | option : options & ~option, at: Field.options)
  }

  private static func slot(_ raw: UInt32) -> Int? { raw < UInt32(SlotTable.capacity) ? Int(raw) : nil }

  /// As many whole characters as fit before a closing zero.
  private static func shortened(_ text: String) -> [UInt8] {
    var kept = text
    while kept.utf8.count >= KernelLayout.Slot.nameBytes { kept.removeLast() }
    return Array(kept.utf8)
  }

  private func bytes(at offset: Int, count: Int) -> [UInt8] {
    memory.words(at: offset, count: count / 8).flatMap { word in
      withUnsafeBytes(of: word.littleEndian) { Array($0) }
    }
  }

  private func text(at offset: Int, count: Int) -> String {
    String(decoding: bytes(at: offset, count: count).prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Zero-padded, in words.
  private func store(_ bytes: [UInt8], at offset: Int, count: Int) {
    let padded = bytes.prefix(count) + Array(repeating: 0, count: max(count - bytes.count, 0))
    let all = Array(padded)
    let words = stride(from: 0, to: count, by: 8).map { start in
      (0..<8).reduce(Int64(0)) { $0 | Int64(all[start + $1]) << Int64(8 * $1) }
    }
    memory.store(words: words, at: offset)
  }
}
