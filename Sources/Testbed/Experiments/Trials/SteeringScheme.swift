import MedullaBase
import MedullaDatapath

/// Who sets a flow's rate, by a short name: `bbr`, `medulla`, `dctcp`, `user-10ms`, `onnx-ack`.
package struct SteeringScheme: Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The kernel's own congestion control of the name.
    case kernel
    /// Our DCTCP, also where the kernel has one of its own.
    case dctcp
    /// The network in the kernel.
    case inKernel
    /// The network in a user process that hears from the kernel now and then; nil: at each acknowledgement.
    case userSpace(interval: Duration?, runtime: Runtime)
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
    } else if name == "dctcp" {
      kind = .dctcp
    } else if parts.count == 2, let runtime = Runtime(rawValue: parts[0]) {
      if parts[1] == "ack" {
        kind = .userSpace(interval: nil, runtime: runtime)
      } else {
        guard let nanoseconds = try? Quantity.nanoseconds(parts[1]),
          (1_000...60_000_000_000).contains(nanoseconds)
        else { return nil }
        kind = .userSpace(interval: .nanoseconds(Int64(nanoseconds)), runtime: runtime)
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
    case .inKernel: "in kernel"
    case .userSpace(let interval, let runtime):
      (runtime == .lean ? "user space" : "ONNX Runtime") + ", "
        + (interval == nil ? "per ACK" : String(name.drop { $0 != "-" }.dropFirst()))
    }
  }

  /// The network in the kernel.
  static let medulla = SteeringScheme(name: "medulla", kind: .inKernel)

  static let cubic = SteeringScheme(name: "cubic", kind: .kernel)

  private init(name: String, kind: Kind) { (self.name, self.kind) = (name, kind) }

  static func list(_ names: String...) -> [SteeringScheme] { names.compactMap { SteeringScheme($0) } }
}
