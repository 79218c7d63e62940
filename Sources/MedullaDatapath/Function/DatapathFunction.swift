import MedullaBase
import MedullaKernel

/// A datapath function: the programs that it brings, where they meet the kernel, and what its samples mean.
///
/// The type is the function, one entry in a `FunctionList`; a value is the function with the settings of one
/// instance. Nothing is remembered between commands: `record` is pinned with the instance, and
/// `init(record:)` brings the value back.
///
/// A function writes `name`, `sizes`, `hooks`, `load` and its record; everything else has a default.
package protocol DatapathFunction: Sendable {
  /// In bundles, configuration and status.
  static var name: String { get }
  /// Names that older configurations use.
  static var formerNames: [String] { get }
  /// Networks that it can use.
  static var sizes: NetworkSizes { get }
  /// What every bundle of such a network carries compiled; empty when they are the user's own.
  static var programs: [ProgramSource] { get }
  /// Whether each packet goes to the program set of its flow, by a `Dispatcher`; its first hook attaches
  /// that.
  static var isDispatched: Bool { get }
  /// Maps of its own that all program sets of an instance share, beside the core's.
  static var instanceMaps: [String] { get }

  /// The words of a sample's outcomes, in their order.
  static var outcomes: [OutcomeField] { get }
  /// What it counts in the core's counters for functions.
  static var counters: [FunctionCounter] { get }
  /// What makes one program run, such as `packet`.
  static var event: String { get }
  /// Whether its features have the same ranges for every network, so that a tuned one keeps those it began
  /// with.
  static var keepsRanges: Bool { get }
  /// How well its decisions do, by samples alone; nil: it does not say.
  ///
  /// - Parameter memory: for how long a measure must remember what the best was.
  static func reward(memory: Duration) -> (any RewardMeasure)?
  /// Its keys in the daemon's configuration, beside those of every function.
  static var keys: [FunctionKey] { get }
  /// What an instance is, in a line for people.
  static func title(of status: InstanceStatus) -> String
  /// What its status says beside what every instance's does, for people.
  static func tables(of status: InstanceStatus) -> [TextTable]
  /// Which flow a sample is of, for people; nil: its outcomes do not say it.
  static func flow(ofOutcomes words: [Int64]) -> String?
  /// What a decision came to, for people; nil: its outputs are of classes, and the largest is the answer.
  ///
  /// - Parameters:
  ///   - outputs: in the network's units.
  ///   - words: of what followed, in the order of `outcomes`.
  ///   - bits: of the outputs' fixed point, which some of the words are in.
  static func answer(outputs: [Double], outcomes words: [Int64], fractionBits bits: Int) -> String?

  /// - Parameter values: of `keys`, as the configuration has them.
  /// - Throws: `badConfiguration` or `badFunction` with the value that cannot be used.
  init(values: [String: FunctionValue]) throws
  /// - Throws: `foreignVersion` for bytes that this version cannot read.
  init(record: [UInt8]) throws
  /// What brings this value back, pinned with the instance.
  var record: [UInt8] { get }

  /// The places where it is attached; the first is what says which program set is current.
  func hooks(of name: InstanceName) throws -> [Hook]
  /// Whether a bundle's snapshot brings the programs that it needs; nothing is loaded.
  ///
  /// - Throws: `wrongShape`; `missingProgram` and `foreignVersion` with the command that makes them.
  func checkPrograms(of snapshot: DatapathSnapshot) throws
  /// Checks what can be checked before anything is loaded, and notes what a later `release` must restore.
  func prepared(for name: InstanceName, _ snapshot: DatapathSnapshot) throws -> Self
  /// Loads the programs of a snapshot's shape; nothing is attached, and the core fills the control block.
  func load(_ snapshot: DatapathSnapshot, for name: InstanceName, shared: SharedMaps.Origin) throws
    -> ProgramSet
  /// Attaches the first program set; the links by the names of their pins, the one that makes it an instance
  /// last.
  func attach(_ set: ProgramSet, as name: InstanceName) throws -> [(pin: String, link: BPFLink)]
  /// The program set that new flows go to now, by the kernel's word; nil when the instance is detached.
  func current(of instance: PinnedInstance) throws -> PinnedGeneration?
  /// Makes new flows go to another program set.
  func point(_ instance: PinnedInstance, to generation: PinnedGeneration) throws
  /// Moves the flows of slots that are to be emptied, idle ones too.
  func drain(_ generation: PinnedGeneration) throws
  /// How many flows each slot of a program set has, by going over their memory; nil: it cannot tell.
  func recount(_ generation: PinnedGeneration) throws -> [Int: UInt64]?
  /// What must happen before a program set without flows is unpinned.
  func remove(_ generation: PinnedGeneration, from instance: PinnedInstance) throws
  /// Ends the attachment, and gives back what the function took; the pins go afterwards.
  func release(_ instance: PinnedInstance, narrate: Narrator) throws
  /// Gives back what an instance may have taken that another version attached and no function can read.
  static func releaseUnread(_ name: InstanceName, narrate: Narrator) throws

  /// What its status says beside what every instance's does, by key.
  func details(of name: InstanceName) -> [String: JSONValue]
  /// The flows of a program set, one by one; empty when it cannot list them.
  func flows(of generation: PinnedGeneration) throws -> [any InstanceFlow]
}

/// Receives what a person would want to know on the way, such as that a file system was mounted.
package typealias Narrator = (String) -> Void

/// A live flow of a function, for people and as JSON.
package protocol InstanceFlow: Encodable, Sendable {
  var line: String { get }
}

extension DatapathFunction {
  package static var formerNames: [String] { [] }
  package static var programs: [ProgramSource] { [] }
  package static var isDispatched: Bool { false }
  package static var instanceMaps: [String] { [] }
  package static var outcomes: [OutcomeField] { [] }
  package static var counters: [FunctionCounter] { [] }
  package static var event: String { "packet" }
  package static var keepsRanges: Bool { false }
  package static var keys: [FunctionKey] { [] }
  package static func reward(memory: Duration) -> (any RewardMeasure)? { nil }
  package static func title(of status: InstanceStatus) -> String {
    "\(name) at \(status.hook ?? "no interface")"
  }

  package static func tables(of status: InstanceStatus) -> [TextTable] { [] }
  package static func flow(ofOutcomes words: [Int64]) -> String? { nil }
  package static func answer(outputs: [Double], outcomes words: [Int64], fractionBits bits: Int) -> String? {
    nil
  }

  package var record: [UInt8] { [] }
  package func checkPrograms(of snapshot: DatapathSnapshot) throws {
    try Self.sizes.check(snapshot, for: Self.name)
    for program in Self.programs { _ = try snapshot.object(of: program) }
  }
  package func prepared(for name: InstanceName, _ snapshot: DatapathSnapshot) throws -> Self { self }
  package func drain(_ generation: PinnedGeneration) throws {}
  package func recount(_ generation: PinnedGeneration) throws -> [Int: UInt64]? { nil }
  package func release(_ instance: PinnedInstance, narrate: Narrator) throws { instance.detachLinks() }
  package static func releaseUnread(_ name: InstanceName, narrate: Narrator) throws {}
  package func details(of name: InstanceName) -> [String: JSONValue] { [:] }
  package func flows(of generation: PinnedGeneration) throws -> [any InstanceFlow] { [] }

  package func attach(
    _ set: ProgramSet, as name: InstanceName
  ) throws -> [(pin: String, link: BPFLink)] {
    try hooks(of: name).reversed().map { ($0.pin, try $0.attach(set)) }
  }

  package func current(of instance: PinnedInstance) throws -> PinnedGeneration? {
    guard let hook = try hooks(of: instance.name).first,
      let target = Hook.target(of: try instance.link(hook.pin))
    else { return nil }
    if let number = try instance.dispatcher()?.route.current {
      return instance.generations.first { $0.number == number }
    }
    return try instance.generations.first { try hook.identifier(in: $0) == target }
  }

  /// The first hook last: until it is pointed the old program set is the current one.
  package func point(_ instance: PinnedInstance, to generation: PinnedGeneration) throws {
    if let dispatcher = try instance.dispatcher() {
      try dispatcher.put(generation.main, of: generation.number)
      dispatcher.route = Dispatcher.Route(
        current: generation.number, follows: generation.control.follows, isAlone: false)
      return
    }
    for hook in try hooks(of: instance.name).reversed() {
      try hook.point(instance.link(hook.pin), to: generation)
    }
  }

  package func remove(_ generation: PinnedGeneration, from instance: PinnedInstance) throws {
    try instance.dispatcher()?.remove(generation.number)
  }
}
