import MedullaClassification
import MedullaCongestion
import MedullaDatapath
import MedullaPacket
import MedullaPaths
import MedullaScheduling

/// What a network decides in the kernel.
public struct Function: Sendable {
  let name: String
  let make: @Sendable () throws -> any DatapathFunction

  /// How fast TCP sends: 30 features of the last ten monitor intervals, one action.
  public static let congestion = Function(name: CongestionControl.name) { CongestionControl() }

  /// What flows are of, and what happens to their packets: a network over features of flows, whose bundle
  /// names features and labels.
  ///
  /// - Parameters:
  ///   - hook: `tc:DEVICE:ingress`, `tc:DEVICE:egress`, `tc:DEVICE:both` or `xdp:DEVICE`.
  ///   - actions: `LABEL=ACTION` each, as `medulla attach classifier --action` takes them.
  ///   - packets: at which packet of a flow it is decided, or `every`, or `end`.
  ///   - margin: how far the largest output must be before the next, or the flow is unsure.
  public static func classifier(
    hook: String, actions: [String] = [], packets: String = "10", margin: Double = 0
  ) -> Function {
    Function(name: Classifier.name) {
      var settings = ClassifierSettings()
      settings.moment = try Classifier.moment(packets)
      settings.margin = margin
      for rule in actions { try settings.add(rule) }
      return Classifier(at: try FunctionHook(hook), settings)
    }
  }

  /// Which flows go first: a network over features of flows whose one output is log₂(1 + bytes) of the whole
  /// flow.
  ///
  /// - Parameters:
  ///   - hook: `tc:DEVICE:egress` or `tc:DEVICE:both`.
  ///   - bands: the most bytes of each band but the last, such as `10KiB,1MiB`.
  ///   - priority: the first band's class of tc, such as `1:1`; nil: classes are left as they are.
  ///   - packets: at which packet of a flow its size is asked for, or `every`.
  public static func scheduling(
    hook: String, bands: String = "10KiB,100KiB,1MiB", priority: String? = nil, packets: String = "1"
  ) -> Function {
    Function(name: FlowScheduling.name) {
      var settings = SchedulingSettings()
      try settings.setBands(bands)
      if let priority { try settings.setPriority(priority) }
      settings.moment = try FlowScheduling.moment(packets)
      return FlowScheduling(at: try FunctionHook(hook), settings)
    }
  }

  /// Which path each flow takes: a network over features of paths, with an output for each, what it would
  /// cost the flow.
  ///
  /// - Parameters:
  ///   - hook: `tc:DEVICE:egress`, where packets go out without it.
  ///   - paths: such as `route` and `dev=eth1`, as `medulla attach paths --path` takes them.
  ///   - flowletGap: a flow that has paused for longer may take another path, such as `500us`.
  public static func paths(
    hook: String, paths: [String], margin: Double = 0.25, explore: Int = 16, flowletGap: String = "never"
  ) -> Function {
    Function(name: PathSelection.name) {
      var settings = try PathSettings(paths.map { try NetworkPath($0) })
      try settings.setMargin(margin)
      try settings.setExploration(Double(explore))
      try settings.setGap(flowletGap)
      return PathSelection(at: try FunctionHook(hook), settings)
    }
  }

  /// A function of one's own: one `.bpf.c` file that says what the network sees of a packet and what its
  /// answer does. The bundle carries it (`compile(model:calibration:programs:)`).
  ///
  /// - Parameters:
  ///   - program: the file's name without `.bpf.c`; nil: the only one that the bundle carries.
  ///   - hook: `tc:DEVICE:ingress`, `tc:DEVICE:egress`, `tc:DEVICE:both` or `xdp:DEVICE`.
  public static func packet(program: String? = nil, hook: String) -> Function {
    Function(name: PacketFunction.name) {
      PacketFunction(program: program, hook: try FunctionHook(hook))
    }
  }
}

/// What an operator sets for an instance.
public struct Settings: Sendable {
  /// How long flows may stay on a snapshot that is no longer active; nil: as long as they live.
  public var drainLimit: Duration?
  /// Every n-th decision of a flow goes up as a sample; 0: none, so that nothing is learned.
  public var sampling: Int
  /// Whether a flow keeps the snapshot that it began with.
  public var isConsistent: Bool
  /// Flows that are kept at once, of a function at an interface, 1 to 262,144; nil: 16,384. Packets of others
  /// are decided one by one.
  public var flowLimit: Int?

  public init(
    drainLimit: Duration? = nil, sampling: Int = 1, isConsistent: Bool = true, flowLimit: Int? = nil
  ) {
    self.drainLimit = drainLimit
    self.sampling = sampling
    self.isConsistent = isConsistent
    self.flowLimit = flowLimit
  }

  var instanceSettings: InstanceSettings {
    InstanceSettings(
      drainLimit: drainLimit, sampleEvery: sampling, isConsistent: isConsistent, flowLimit: flowLimit)
  }
}
