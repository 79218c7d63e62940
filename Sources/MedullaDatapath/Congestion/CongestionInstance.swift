import Glibc
import MedullaKernel

/// An attached instance, read from what is pinned.
///
/// Nothing is remembered between commands: each opens the pins, decides by a `Router`, and acts.
final class CongestionInstance {
  let name: InstanceName
  let link: BPFLink
  private(set) var generations: [PinnedGeneration] = []
  /// Why a program set that is pinned cannot be read; nil when all can.
  private(set) var foreign: DatapathError?
  /// Program sets of which a pin is missing: their pinning was cut short, so no flow ever took them.
  private var incomplete: [Int] = []

  static func path(of name: InstanceName) -> String { BPFFileSystem.root + "/" + name.text }
  static func linkPath(of name: InstanceName) -> String { path(of: name) + "/link" }

  static func generationPath(of name: InstanceName, _ number: Int) -> String {
    "\(path(of: name))/generation-\(number)"
  }

  /// The names of everything attached, whole or not.
  static func attachedNames() -> [InstanceName] {
    BPFFileSystem.contents(of: BPFFileSystem.root).compactMap { try? InstanceName($0) }
  }

  static func isAttached(_ name: InstanceName) -> Bool { BPFFileSystem.exists(linkPath(of: name)) }

  init(_ name: InstanceName) throws {
    try BPFFileSystem.checkReadable()
    guard Self.isAttached(name) else {
      let others = Self.attachedNames().map(\.text).joined(separator: ", ")
      throw DatapathError(
        .notAttached, "no instance \(name) is attached",
        remedy: others.isEmpty
          ? "attach one: `medulla attach congestion --name \(name) BUNDLE`" : "there is: \(others)")
    }
    self.name = name
    link = try BPFLink(pinned: Self.linkPath(of: name))
    try open()
    // Another command may have moved the link, and removed what it pointed at, while we looked.
    if foreign == nil, !generations.contains(where: { $0.operations.identifier == link.structOpsMap }) {
      try open()
    }
  }

  private func open() throws {
    generations = []
    incomplete = []
    foreign = nil
    for entry in BPFFileSystem.contents(of: Self.path(of: name)) where entry.hasPrefix("generation-") {
      guard let number = Int(entry.dropFirst("generation-".count)) else { continue }
      do {
        generations.append(
          try PinnedGeneration(number: number, path: Self.generationPath(of: name, number)))
      } catch let error as KernelError where error.code == .notFound {
        incomplete.append(number)
      } catch let error as DatapathError where error.code == .foreignVersion {
        foreign = error
      }
    }
    generations.sort { $0.number < $1.number }
  }

  /// The generation that the link points at: the kernel's word, not ours.
  ///
  /// - Throws: `foreignVersion` when any generation is another version's, for then nothing can be decided.
  func current() throws -> PinnedGeneration {
    if let foreign { throw foreign }
    guard let map = link.structOpsMap else {
      throw DatapathError(
        .notAttached, "the link of \(name) is pinned but detached",
        remedy: "`medulla detach \(name)`, then attach again")
    }
    guard let generation = generations.first(where: { $0.operations.identifier == map }) else {
      throw DatapathError(
        .foreignVersion, "the link of \(name) points at a program set that is not pinned",
        remedy: "`medulla detach \(name)`, then attach again")
    }
    return generation
  }

  func router() throws -> Router {
    let current = try current()
    return Router(
      generations: try generations.map {
        Router.Generation(
          number: $0.number, shape: $0.control.shape, table: try $0.table(),
          leftNanoseconds: $0.control.leftNanoseconds)
      },
      current: current.number, previous: current.control.previous,
      nextVersion: generations.map(\.control.nextVersion).max() ?? 1,
      drainLimitNanoseconds: current.control.drainLimitNanoseconds)
  }

  /// Whether the link still points at this generation.
  func isCurrent(_ generation: PinnedGeneration) throws -> Bool {
    link.structOpsMap == generation.operations.identifier
  }

  func shared() throws -> SharedMaps { try SharedMaps(pinnedAt: Self.path(of: name)) }

  /// Carries out a router's actions in their order.
  ///
  /// - Parameter snapshot: what `store` and `load` are about; nil for events that store nothing.
  func perform(_ actions: [Router.Action], snapshot: DatapathSnapshot?) throws {
    for action in actions {
      switch action {
      case .load(let number): try load(number, snapshot: snapshot)
      case .store(let place, let identity, let version, let now):
        guard let snapshot else { continue }
        let generation = try generation(place.generation)
        generation.control.clear(place.slot)
        try generation.resetCounts(of: place.slot)
        try generation.slots.set(words: snapshot.image, at: UInt32(place.slot))
        generation.control.describe(place.slot, identity, version: version, now: now)
        generation.control.nextVersion = version + 1
      case .setPrevious(let number, let place): try generation(number).control.previous = place
      case .setStaged(let number, let slot):
        let control = try generation(number).control
        if slot == nil { control.shadowEvery = 0 }
        control.staged = slot
      case .retire(let place, let now):
        try generation(place.generation).control.setRetired(place.slot, at: now)
      case .setMoving(let place, let moving):
        try generation(place.generation).control.setMoving(place.slot, moving)
      case .activate(let place): try generation(place.generation).control.active = place.slot
      case .setRetired(let number, let retired): try generation(number).control.isRetired = retired
      case .leave(let number, let time): try generation(number).control.leftNanoseconds = time ?? 0
      case .point(let number): try link.update(to: generation(number).operations)
      case .drain(let number): try generation(number).drain()
      case .remove(let number):
        try BPFFileSystem.removeTree(Self.generationPath(of: name, number))
        generations.removeAll { $0.number == number }
      }
    }
  }

  /// Removes generations whose pinning was cut short; the link must point at a whole one.
  func removeDebris() throws {
    _ = try current()
    for number in incomplete { try BPFFileSystem.removeTree(Self.generationPath(of: name, number)) }
    incomplete = []
  }

  private func generation(_ number: Int) throws -> PinnedGeneration {
    guard let generation = generations.first(where: { $0.number == number }) else {
      throw DatapathError(.notAttached, "\(name) has no generation \(number)")
    }
    return generation
  }

  /// Another shape's program set, with the settings of the current one, ready to be pointed at.
  private func load(_ number: Int, snapshot: DatapathSnapshot?) throws {
    guard let snapshot else { return }
    let current = try current()
    let object = try CongestionObject.load(snapshot, name: name, shared: .lent(shared()))
    let control = try CongestionObject.control(of: object)
    CongestionObject.fill(control, snapshot: snapshot, name: name)
    control.before = current.control.before
    control.attachedNanoseconds = current.control.attachedNanoseconds
    control.drainLimitNanoseconds = current.control.drainLimitNanoseconds
    control.measures = current.control.measures
    control.follows = current.control.follows
    control.sampleEvery = current.control.sampleEvery
    let settings = try current.configuration.bytes(at: 0)
    try object.loadedMap("congestion_config").set(bytes: settings, at: 0)
    try object.prepareStructOps(PinnedGeneration.structOpsName)
    let path = Self.generationPath(of: name, number)
    do {
      try PinnedGeneration.pin(object, at: path)
      generations.append(try PinnedGeneration(number: number, path: path))
    } catch {
      try? BPFFileSystem.removeTree(path)
      throw error
    }
  }
}

/// The monotonic clock that the kernel's programs read too.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
