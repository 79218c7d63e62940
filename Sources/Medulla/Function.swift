import MedullaCongestion
import MedullaDatapath
import MedullaPacket

/// What a network decides in the kernel.
public struct Function: Sendable {
  let name: String
  let make: @Sendable () throws -> any DatapathFunction

  /// How fast TCP sends: 30 features of the last ten monitor intervals, one action.
  public static let congestion = Function(name: CongestionControl.name) { CongestionControl() }

  /// A function of one's own: one `.bpf.c` file that says what the network sees of a packet and what its
  /// answer does. The bundle carries it (`compile(model:calibration:programs:)`).
  ///
  /// - Parameters:
  ///   - program: the file's name without `.bpf.c`; nil: the only one that the bundle carries.
  ///   - hook: `tc:DEVICE:ingress`, `tc:DEVICE:egress` or `xdp:DEVICE`.
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

  public init(drainLimit: Duration? = nil, sampling: Int = 1, isConsistent: Bool = true) {
    self.drainLimit = drainLimit
    self.sampling = sampling
    self.isConsistent = isConsistent
  }

  var instanceSettings: InstanceSettings {
    InstanceSettings(drainLimit: drainLimit, sampleEvery: sampling, isConsistent: isConsistent)
  }
}
