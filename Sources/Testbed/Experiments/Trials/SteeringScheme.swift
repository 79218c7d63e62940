import MedullaBase
import MedullaDatapath
import TestbedLink

/// Who sets a flow's rate, by a short name: `bbr`, `medulla`, `dummy`, `dctcp`, `dctcp-kernel`, `user-10ms`,
/// `user-decision`, `onnx-ack`.
package struct SteeringScheme: Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The kernel's own congestion control of the name.
    case kernel
    /// Our DCTCP, also where the kernel has one of its own.
    case dctcp
    /// The kernel's own DCTCP, where it has one.
    case kernelDCTCP
    /// The network in the kernel.
    case inKernel
    /// A network of the same layers in the kernel whose answer is always the highest rate.
    case dummy
    /// The network in a user process that hears from the kernel now and then.
    case userSpace(Reports, runtime: Runtime)
  }

  /// When a user process hears of a flow.
  package enum Reports: Hashable, Sendable {
    case everyAcknowledgement
    /// When the controller has a decision for the network: once a monitor interval, and no more seldom.
    case everyDecision
    case every(Duration)
  }

  /// What infers in user space.
  package enum Runtime: String, Hashable, Sendable {
    /// The snapshot as C in a process of its own.
    case lean = "user"
    /// The float network by ONNX Runtime from Python.
    case onnx
  }

  package let name: String
  package let kind: Kind

  /// nil for a name that means nothing; any lower-case word may be a congestion control of the kernel.
  package init?(_ name: String) {
    self.name = name
    let parts = name.split(separator: "-", maxSplits: 1).map(String.init)
    if name == "medulla" {
      kind = .inKernel
    } else if name == "dummy" {
      kind = .dummy
    } else if name == "dctcp" {
      kind = .dctcp
    } else if name == "dctcp-kernel" {
      kind = .kernelDCTCP
    } else if parts.count == 2, let runtime = Runtime(rawValue: parts[0]) {
      if parts[1] == "ack" {
        kind = .userSpace(.everyAcknowledgement, runtime: runtime)
      } else if parts[1] == "decision" {
        kind = .userSpace(.everyDecision, runtime: runtime)
      } else {
        guard let nanoseconds = try? Quantity.nanoseconds(parts[1]),
          (1_000...60_000_000_000).contains(nanoseconds)
        else { return nil }
        kind = .userSpace(.every(.nanoseconds(Int64(nanoseconds))), runtime: runtime)
      }
    } else {
      guard !name.isEmpty, name.allSatisfy({ $0.isLowercase || $0.isNumber || $0 == "_" }) else { return nil }
      kind = .kernel
    }
  }

  /// For tables and plots.
  package var description: String {
    switch kind {
    case .kernel, .dctcp: name.uppercased()
    case .kernelDCTCP: "the kernel's DCTCP"
    case .inKernel: "in kernel"
    case .dummy: "dummy in kernel"
    case .userSpace(.everyAcknowledgement, let runtime): "\(Self.title(runtime)), per ACK"
    case .userSpace(.everyDecision, let runtime): "\(Self.title(runtime)), per decision"
    case .userSpace(.every, let runtime): "\(Self.title(runtime)), \(name.drop { $0 != "-" }.dropFirst())"
    }
  }

  private static func title(_ runtime: Runtime) -> String {
    runtime == .lean ? "user space" : "ONNX Runtime"
  }

  /// What the kernel calls its own DCTCP.
  static let kernelDCTCP = "dctcp"

  /// Why this kernel has not what the scheme needs of it; nil where it has.
  ///
  /// - Parameter available: the congestion controls that the kernel lists.
  package func absence(in available: [String] = CongestionControls.available()) -> TestbedError? {
    guard kind == .kernelDCTCP, !available.contains(Self.kernelDCTCP) else { return nil }
    return TestbedError(
      .missingCongestionControl,
      "The kernel has no DCTCP of its own; it lists \(available.joined(separator: ", ")).",
      remedy: "Load it (`modprobe tcp_dctcp`) where there is one, or use `dctcp`, which is ours.")
  }

  /// The network in the kernel.
  static let medulla = SteeringScheme(name: "medulla", kind: .inKernel)

  static let cubic = SteeringScheme(name: "cubic", kind: .kernel)

  private init(name: String, kind: Kind) { (self.name, self.kind) = (name, kind) }

  static func list(_ names: String...) -> [SteeringScheme] { names.compactMap { SteeringScheme($0) } }
}
