import Glibc
import MedullaKernel

/// An attached instance, read from what is pinned.
///
/// Nothing is remembered between commands: each opens the pins, decides by a `Router`, and acts.
final class AttachedInstance {
  let name: InstanceName
  let kind: InstanceKind
  let link: BPFLink
  var generations: [PinnedGeneration] = []
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
    // The source of its programs is what a custom function has beside them.
    kind = BPFFileSystem.exists(FunctionProgram.path(of: name)) ? .custom : .congestion
    try open()
    // Another command may have moved the link, and removed what it pointed at, while we looked.
    if foreign == nil, !generations.contains(where: { $0.identifier == identifier }) {
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
          try PinnedGeneration(
            number: number, path: Self.generationPath(of: name, number), kind: kind))
      } catch let error as KernelError where error.code == .notFound {
        incomplete.append(number)
      } catch let error as DatapathError where error.code == .foreignVersion {
        foreign = error
      }
    }
    generations.sort { $0.number < $1.number }
  }

  /// By which the link names what it points at now; nil when it is detached.
  private var identifier: UInt32? {
    switch link.target {
    case .structOps(let map): map
    case .program(let program, _, let interface): interface == 0 ? nil : program
    case .nothing: nil
    }
  }

  /// The generation that the link points at: the kernel's word, not ours.
  ///
  /// - Throws: `foreignVersion` when any generation is another version's, for then nothing can be decided.
  func current() throws -> PinnedGeneration {
    if let foreign { throw foreign }
    guard let identifier else {
      throw DatapathError(
        .notAttached, "the link of \(name) is pinned but detached",
        remedy: "`medulla detach \(name)`, then attach again")
    }
    guard let generation = generations.first(where: { $0.identifier == identifier }) else {
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
  func isCurrent(_ generation: PinnedGeneration) -> Bool {
    identifier == generation.identifier
  }

  func shared() throws -> SharedMaps { try SharedMaps(pinnedAt: Self.path(of: name)) }

  /// Removes generations whose pinning was cut short; the link must point at a whole one.
  func removeDebris() throws {
    _ = try current()
    for number in incomplete { try BPFFileSystem.removeTree(Self.generationPath(of: name, number)) }
    incomplete = []
  }
}

/// The monotonic clock that the kernel's programs read too.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
