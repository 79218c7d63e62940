import CMedullaABI
import MedullaKernel

/// Sends each packet of an instance at an interface to the program set of its flow.
///
/// Its program (`dispatch.bpf.c`) is attached once. It chooses between the programs in an array, which has a
/// row for each program set, by the flow's pin and by the route.
package struct Dispatcher {
  /// Of its program; whoever may read the instance's other pins can read what it costs.
  package static let pin = "dispatcher"
  package static let tableName = "medulla_table"
  static let placesName = "medulla_places"
  static let programsName = "medulla_generations"
  private static let optionsName = ".rodata.dispatch"
  /// What programs have that measure flows, and so turn their keys (`flow_features.bpf.h`).
  private static let measuringName = "medulla_locks"
  /// What an instance has beside the maps of every function.
  static let instanceMaps = [tableName, placesName, programsName]

  /// Where packets go that no flow's pin sends elsewhere: one word in the kernel, changed by one store.
  struct Route: Equatable, Sendable {
    /// The number of the program set that new flows go to.
    var current: Int
    /// Flows need no consistency: every packet goes there.
    var follows: Bool
    /// No other program set has flows: every packet may go there without being looked at.
    var isAlone: Bool

    init(current: Int, follows: Bool, isAlone: Bool) {
      self.current = current
      self.follows = follows
      self.isAlone = isAlone
    }

    init(word: UInt64) {
      let options = UInt32(truncatingIfNeeded: word >> 32)
      current = Int(UInt32(truncatingIfNeeded: word))
      follows = options & MEDULLA_FOLLOW != 0
      isAlone = options & MEDULLA_ALONE != 0
    }

    var word: UInt64 {
      let options = (follows ? MEDULLA_FOLLOW : 0) | (isAlone ? MEDULLA_ALONE : 0)
      return UInt64(UInt32(truncatingIfNeeded: current)) | UInt64(options) << 32
    }
  }

  private let programs: BPFMap
  private let shared: MappedMap

  init(_ maps: SharedMaps) throws {
    programs = try maps.map(Self.programsName)
    shared = try MappedMap(maps.map(SharedMaps.countersName))
  }

  var route: Route {
    get { Route(word: shared.load64(at: Self.routeOffset)) }
    nonmutating set { shared.store64(newValue.word, at: Self.routeOffset) }
  }

  /// Makes a program set reachable; before a route names it.
  func put(_ program: BPFProgram, of generation: Int) throws {
    try programs.set(program, at: UInt32(Router.row(of: generation)))
  }

  /// After the route names another; flows that are on it go to the current one, and are counted.
  func remove(_ generation: Int) throws {
    try programs.remove(at: UInt32(Router.row(of: generation)))
  }

  /// Pins the program, and sends all packets to the first program set, before anything is attached.
  static func begin(_ set: ProgramSet, _ shared: SharedMaps, at path: String, follows: Bool) throws {
    let dispatcher = try Dispatcher(shared)
    let own = set.objects.flatMap(\.programNames).filter(names.contains)
    for name in own { try set.program(name).pin(at: path + "/" + pin) }
    try dispatcher.put(set.program(set.main), of: 1)
    dispatcher.route = Route(current: 1, follows: follows, isAlone: true)
  }

  private static let routeOffset = MemoryLayout<medulla_shared>.place(of: \.route)

  private static let names = ["medulla_dispatch_tc", "medulla_dispatch_xdp"]

  /// The program that is attached at such a hook.
  package static func program(at hook: BPFLink.Hook) -> String { names[hook == .xdp ? 1 : 0] }

  static func turns(for object: BPFObject) -> Bool { object.mapNames.contains(measuringName) }

  static func standsAtAll(_ hooks: [Hook]) -> Bool {
    hooks.allSatisfy { hook in
      guard case .interface(_, _, let program) = hook.place else { return false }
      return program.map(names.contains) ?? false
    }
  }

  /// What a bundle with functions of the user's own carries beside them.
  package static let source = ProgramSource(name: "dispatch", inputs: .given, files: EmbeddedSources.dispatch)

  /// The dispatcher's object, to be loaded beside an instance's first program set, whose maps it uses.
  ///
  /// - Parameters:
  ///   - fragments: whether the programs it calls take packets of several buffers; an array has programs of
  ///     one kind only.
  ///   - turns: whether they have both directions of a flow under one key.
  package static func object(
    _ bytes: [UInt8], at hook: BPFLink.Hook, fragments: Bool = false, turns: Bool = false
  ) throws -> BPFObject {
    let object = try BPFObject(bytes: bytes, name: "dispatcher")
    // An array of programs takes those of one kind only.
    let own = program(at: hook)
    for other in object.programNames where other != own { try object.leaveOut(program: other) }
    if fragments { try object.takeFragments(program: own) }
    let options = dispatch_options(turns: turns ? 1 : 0)
    try object.setInitialBytes(withUnsafeBytes(of: options) { Array($0) }, ofMap: optionsName)
    return object
  }
}

extension PinnedInstance {
  /// nil: the function has none.
  func dispatcher() throws -> Dispatcher? {
    type(of: function).isDispatched ? try Dispatcher(shared()) : nil
  }

  /// Sets right what a command that died may have left of a route, and spares packets the look at their flow
  /// while they all go to one program set.
  func settleRoute(isAlone: Bool) throws {
    guard let dispatcher = try dispatcher() else { return }
    let current = try current()
    let route = Dispatcher.Route(
      current: current.number, follows: current.control.follows, isAlone: isAlone)
    if route != dispatcher.route { dispatcher.route = route }
  }

  /// The program that the kernel calls, whose run time is that of all that follows.
  func entry(_ generation: PinnedGeneration) throws -> BPFProgram {
    guard type(of: function).isDispatched else { return generation.main }
    return try BPFProgram(pinned: Self.path(of: name) + "/" + Dispatcher.pin)
  }
}
