import Glibc
import MedullaKernel

/// Where a function meets packets: `tc:DEV:ingress`, `tc:DEV:egress`, `tc:DEV:both` or `xdp:DEV`.
package struct FunctionHook: Hashable, Sendable, CustomStringConvertible {
  package enum Point: String, Sendable {
    case ingress, egress, xdp
    /// What comes in and what goes out, so that both directions of a flow are seen.
    case both
  }

  package let point: Point
  package let interface: String

  package init(_ text: String) throws(DatapathError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch (parts.first, parts.count) {
    case ("tc", 3) where parts[2] == "ingress": point = .ingress
    case ("tc", 3) where parts[2] == "egress": point = .egress
    case ("tc", 3) where parts[2] == "both": point = .both
    case ("xdp", 2): point = .xdp
    default: throw Self.bad(text)
    }
    interface = parts[1]
    // The kernel's rule for names of interfaces, with room for the ending zero.
    guard (1..<Int(IF_NAMESIZE)).contains(interface.utf8.count),
      interface.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 < 0x7f })
    else { throw Self.bad(text) }
  }

  package var description: String {
    point == .xdp ? "xdp:\(interface)" : "tc:\(interface):\(point.rawValue)"
  }

  /// The dispatcher at each place; the first is what makes it an instance.
  package var hooks: [Hook] {
    let program = Dispatcher.program(at: kernelHook)
    let first = Hook(.interface(interface, kernelHook, program: program))
    guard point == .both else { return [first] }
    return [first, Hook(.interface(interface, .egress, program: program), pin: "link-egress")]
  }

  package var kernelHook: BPFLink.Hook {
    switch point {
    case .ingress, .both: .ingress
    case .egress: .egress
    case .xdp: .xdp
    }
  }

  package var programKind: BPFObject.ProgramKind { point == .xdp ? .xdp : .trafficControl }

  private static func bad(_ text: String) -> DatapathError {
    DatapathError(
      .badFunction, "\"\(text)\" is no place for a function",
      remedy: "give tc:DEVICE:ingress, tc:DEVICE:egress, tc:DEVICE:both or xdp:DEVICE")
  }
}
