import Glibc
import MedullaDatapath
import MedullaKernel

/// Where a custom function meets packets: `tc:DEV:ingress`, `tc:DEV:egress` or `xdp:DEV`.
package struct FunctionHook: Hashable, Sendable, CustomStringConvertible {
  package enum Point: String, Sendable {
    case ingress, egress, xdp
  }

  package let point: Point
  package let interface: String

  package init(_ text: String) throws(DatapathError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch (parts.first, parts.count) {
    case ("tc", 3) where parts[2] == "ingress": point = .ingress
    case ("tc", 3) where parts[2] == "egress": point = .egress
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

  var hook: Hook { Hook(.interface(interface, kernelHook, program: Dispatcher.program(at: kernelHook))) }

  var kernelHook: BPFLink.Hook {
    switch point {
    case .ingress: .ingress
    case .egress: .egress
    case .xdp: .xdp
    }
  }

  var programKind: BPFObject.ProgramKind { point == .xdp ? .xdp : .trafficControl }

  private static func bad(_ text: String) -> DatapathError {
    DatapathError(
      .badFunction, "\"\(text)\" is no place for a function",
      remedy: "give tc:DEVICE:ingress, tc:DEVICE:egress or xdp:DEVICE")
  }
}
