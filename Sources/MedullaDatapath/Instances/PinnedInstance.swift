import MedullaKernel

/// An attached instance, read from what is pinned.
///
/// Nothing is remembered between commands: each opens the pins, decides by a `Router`, and acts.
package final class PinnedInstance {
  package let name: InstanceName
  /// What it is an instance of, with its settings.
  package let function: any DatapathFunction
  package internal(set) var generations: [PinnedGeneration] = []
  private let links: [String: BPFLink]
  /// Why a program set that is pinned cannot be read; nil when all can.
  private(set) var foreign: DatapathError?
  /// Program sets of which a pin is missing: their pinning or their removal was cut short, so no flow is on
  /// them.
  private var incomplete: [Int] = []

  package static func path(of name: InstanceName) -> String { BPFFileSystem.root + "/" + name.text }

  static func linkPath(of name: InstanceName) -> String { path(of: name) + "/" + Hook.mainPin }

  static func recordPath(of name: InstanceName) -> String { path(of: name) + "/" + FunctionRecord.pin }

  static func generationPath(of name: InstanceName, _ number: Int) -> String {
    "\(path(of: name))/generation-\(number)"
  }

  static func path(ofGeneration path: String) -> String {
    String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
  }

  /// The names of everything attached, whole or not.
  static func attachedNames() -> [InstanceName] {
    BPFFileSystem.contents(of: BPFFileSystem.root).compactMap { try? InstanceName($0) }
  }

  static func isAttached(_ name: InstanceName) -> Bool { BPFFileSystem.exists(linkPath(of: name)) }

  init(_ name: InstanceName, among functions: FunctionList) throws {
    try BPFFileSystem.checkReadable()
    guard Self.isAttached(name) else { throw Self.notAttached(name) }
    self.name = name
    function = try Self.function(of: name, among: functions)
    var links: [String: BPFLink] = [:]
    for hook in try function.hooks(of: name) {
      links[hook.pin] = try BPFLink(pinned: Self.path(of: name) + "/" + hook.pin)
    }
    self.links = links
    try open()
    // Another command may have moved the link, and removed what it pointed at, while we looked.
    if foreign == nil, try function.current(of: self) == nil { try open() }
  }

  private static func function(
    of name: InstanceName, among functions: FunctionList
  ) throws -> any DatapathFunction {
    let bytes: [UInt8]
    do {
      bytes = try BPFMap(pinned: recordPath(of: name)).bytes(at: 0)
    } catch  where error.code == .notFound {
      // A version before this one attached it, and pinned no record.
      bytes = []
    }
    let record = try FunctionRecord(pinned: bytes)
    return try functions.function(named: record.name).init(record: record.bytes)
  }

  private static func notAttached(_ name: InstanceName) -> DatapathError {
    let others = attachedNames().map(\.text).joined(separator: ", ")
    return DatapathError(
      .notAttached, "no instance \(name) is attached",
      remedy: others.isEmpty
        ? "attach one: `medulla attach FUNCTION` with the name \(name)" : "there is: \(others)")
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

  /// A link of the instance, by its pin.
  package func link(_ pin: String) throws -> BPFLink {
    guard let link = links[pin] else { throw KernelError(.notFound, "\(name) has no pin of a link \(pin)") }
    return link
  }

  /// The program set that new flows go to: the kernel's word, not ours.
  ///
  /// - Throws: `foreignVersion` when any generation is another version's, for then nothing can be decided.
  package func current() throws -> PinnedGeneration {
    if let foreign { throw foreign }
    if let generation = try function.current(of: self) { return generation }
    let main = try link(Hook.mainPin)
    guard Hook.target(of: main) != nil else {
      throw DatapathError(
        .notAttached, "the link of \(name) is pinned but detached",
        remedy: "`medulla detach \(name)`, then attach again")
    }
    throw DatapathError(
      .foreignVersion, "the link of \(name) points at a program set that is not pinned",
      remedy: "`medulla detach \(name)`, then attach again")
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

  /// Whether new flows still go to this generation.
  func isCurrent(_ generation: PinnedGeneration) -> Bool {
    (try? function.current(of: self))?.number == generation.number
  }

  package func shared() throws -> SharedMaps {
    try SharedMaps(pinnedAt: Self.path(of: name), names: SharedMaps.names(of: function))
  }

  /// Ends what the links attach, for every holder; one that is detached already is left.
  package func detachLinks() {
    for link in links.values { try? link.detach() }
  }

  /// Points hooks again of which a command that died pointed some and not others.
  func settleHooks() throws {
    let hooks = try function.hooks(of: name)
    // A dispatcher is never pointed elsewhere.
    guard hooks.count > 1, !type(of: function).isDispatched else { return }
    let current = try current()
    let isSplit = try hooks.contains { hook in
      try Hook.target(of: link(hook.pin)) != hook.identifier(in: current)
    }
    if isSplit { try function.point(self, to: current) }
  }

  /// Removes generations whose pinning or removal was cut short; the link must point at a whole one.
  func removeDebris() throws {
    _ = try current()
    for number in incomplete { try PinnedGeneration.unpin(Self.generationPath(of: name, number)) }
    incomplete = []
  }
}
