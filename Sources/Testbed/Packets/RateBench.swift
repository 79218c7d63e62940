import Foundation
import MedullaClassification
import MedullaCompile
import MedullaDatapath
import MedullaFlows
import MedullaKernel
import MedullaSnapshot
import TestbedLink

/// A namespace with pairs of devices, each with classifiers attached at XDP and tc of its receiving end, and
/// what sends packets to them. Everything is removed by `remove`.
///
/// A pair for each state that the classifier's table is in, so that cases can be measured in turn.
package final class RateBench {
  /// A receiving device, by what its classifiers do.
  enum Role: String, CaseIterable {
    /// No classifier: XDP drops.
    case bare = "b"
    case decided = "d"
    case fresh = "n"
    case full = "f"
    case every = "e"

    init(_ measured: RateCase) {
      self =
        switch measured {
        case .none, .turns: .bare
        case .hit, .many: .decided
        case .new: .fresh
        case .full: .full
        case .every: .every
        }
    }

    /// The packet at which a flow is decided.
    fileprivate var moment: DecisionMoment {
      switch self {
      case .bare, .fresh, .full: .packet(10)
      case .decided: .packet(1)
      case .every: .everyPacket
      }
    }
  }

  let namespace: NetworkNamespace
  let object: BPFObject
  /// Of the machine, at most: queues of a device.
  package let processors: Int
  private var names: [String] = []
  private var links: [BPFLink] = []
  private var isThere = true

  /// - Parameter hooks: where classifiers are attached; links need XDP.
  /// - Throws: `missingPrivilege` without root; what attaching a classifier throws.
  package init(_ snapshot: DatapathSnapshot, hooks: [RateHook] = RateHook.allCases) throws {
    namespace = try NetworkNamespace(role: "rate")
    processors = ProcessInfo.processInfo.activeProcessorCount
    do {
      object = try BPFObject(
        bytes: BPFCompiler().object(source: "packet_rate.bpf.c", files: PacketRateSources.programs),
        name: "packet_rate")
      try object.load()
      try namespace.set(["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
      for role in Role.allCases { try connect(role) }
      try namespace.inside {
        links = [
          try Self.link(object.loadedProgram("rate_empty_xdp"), at: Self.receiver(.bare)),
          // Where nothing comes. A program that is attached nowhere enters the kernel's table of XDP programs
          // with each call that sends frames, which waits for all processors.
          try Self.link(object.loadedProgram("rate_send"), at: Self.sender(.fresh)),
        ]
        for role in Role.allCases where role != .bare {
          for hook in hooks { try attach(role, hook, snapshot) }
        }
      }
    } catch {
      for name in names { try? Instance(name).detach() }
      namespace.remove()
      throw error
    }
  }

  deinit { remove() }

  /// Detaches what is attached and removes the namespace; safe to call twice.
  package func remove() {
    guard isThere else { return }
    isThere = false
    for name in names { try? Instance(name).detach() }
    links = []
    namespace.remove()
  }

  static func receiver(_ role: Role) -> String { "mr\(getpid())\(role.rawValue)" }
  static func sender(_ role: Role) -> String { "ms\(getpid())\(role.rawValue)" }

  static func instance(_ role: Role, _ hook: RateHook) -> String {
    "r\(getpid())\(role.rawValue)\(hook == .xdp ? "x" : "t")"
  }

  private static func link(_ program: BPFProgram, at device: String) throws -> BPFLink {
    try BPFLink(attaching: program, to: .xdp, interface: Hook.interfaceIndex(of: device))
  }

  /// A queue for each processor, so that what one sends it also receives.
  private func connect(_ role: Role) throws {
    let queues = ["numtxqueues", "\(processors)", "numrxqueues", "\(processors)"]
    try namespace.configure(
      ["link", "add", Self.sender(role)] + queues + ["type", "veth", "peer", "name", Self.receiver(role)]
        + queues)
    for device in [Self.sender(role), Self.receiver(role)] {
      try namespace.configure(["link", "set", device, "up"])
    }
  }

  /// Every packet is dropped once it is decided about, as without a function.
  private func attach(_ role: Role, _ hook: RateHook, _ snapshot: DatapathSnapshot) throws {
    var settings = ClassifierSettings()
    settings.moment = role.moment
    for label in RateNetwork.labels { settings.actions[label] = .drop }
    (settings.unsure, settings.pending) = (.drop, .drop)
    let device = Self.receiver(role)
    let place = try FunctionHook(hook == .xdp ? "xdp:\(device)" : "tc:\(device):ingress")
    let name = Self.instance(role, hook)
    try Instance(name).attach(Classifier(at: place, settings), snapshot)
    names.append(name)
  }

  /// What the kernel calls for a packet: the dispatcher, and after it the classifier.
  func entry(_ role: Role, _ hook: RateHook) throws -> BPFProgram {
    guard role != .bare else { return try object.loadedProgram("rate_empty_\(hook.rawValue)") }
    let path = PinnedInstance.path(of: try InstanceName(Self.instance(role, hook)))
    return try BPFProgram(pinned: "\(path)/\(Dispatcher.pin)")
  }

  /// Inferences of a role's classifier so far.
  func inferences(_ role: Role, _ hook: RateHook) throws -> UInt64 {
    guard role != .bare else { return 0 }
    return try Instance(Self.instance(role, hook)).status().slots.reduce(0) { $0 + $1.inferences }
  }

  /// Says which flows take turns on a processor, and where its frames go; their numbers go on.
  func setCourse(on processor: Int, mask: Int64, first: Int64 = 0, device: UInt32 = 0) throws {
    let map = try object.loadedMap("rate_courses")
    var words = [Int64](repeating: 0, count: map.valueSize / 8)
    words[0] = try map.bytes(at: UInt32(processor)).withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
    (words[1], words[2], words[3]) = (mask, first, Int64(device))
    try map.set(words: words, at: UInt32(processor))
  }
}
