import MedullaNF
import Testing

@testable import MedullaNFFunctions

@Suite("The firewall of a chain")
struct FirewallTests {
  /// A frame of UDP over IPv4.
  private static func frame(_ source: [UInt8], _ destination: [UInt8], port: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 2, count: 12) + [8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0]
    bytes += source + destination + [0x13, 0x88, UInt8(port >> 8), UInt8(port & 0xff), 0, 20, 0, 0]
    return bytes + [UInt8](repeating: 0, count: 12)
  }

  private static let arp = [UInt8](repeating: 0xff, count: 12) + [8, 6] + [UInt8](repeating: 0, count: 46)

  @Test(
    "prefixes and ports decide",
    arguments: [
      ("{}", [10, 1, 2, 3], [9, 9, 9, 9], 80, true),
      ("{\"deny\": [\"10.0.0.0/8\"]}", [10, 1, 2, 3], [9, 9, 9, 9], 80, false),
      ("{\"deny\": [\"10.0.0.0/8\"]}", [9, 1, 2, 3], [10, 9, 9, 9], 80, false),
      ("{\"deny\": [\"10.0.0.0/8\"]}", [11, 1, 2, 3], [9, 9, 9, 9], 80, true),
      ("{\"deny\": [\"10.1.2.128/25\"]}", [10, 1, 2, 129], [9, 9, 9, 9], 80, false),
      ("{\"deny\": [\"10.1.2.128/25\"]}", [10, 1, 2, 127], [9, 9, 9, 9], 80, true),
      ("{\"allow\": [\"10.1.0.0/16\"]}", [10, 1, 2, 3], [9, 9, 9, 9], 80, true),
      ("{\"allow\": [\"10.1.0.0/16\"]}", [10, 2, 2, 3], [10, 1, 9, 9], 80, false),
      ("{\"deny_ports\": [53, 80]}", [10, 1, 2, 3], [9, 9, 9, 9], 80, false),
      ("{\"deny_ports\": [53, 80]}", [10, 1, 2, 3], [9, 9, 9, 9], 81, true),
      ("{\"deny\": [\"0.0.0.0/0\"]}", [10, 1, 2, 3], [9, 9, 9, 9], 81, false),
    ] as [(String, [UInt8], [UInt8], Int, Bool)])
  func decided(_ options: String, _ source: [UInt8], _ destination: [UInt8], _ port: Int, _ passes: Bool)
    throws
  {
    let firewall = try FirewallFunction(FunctionOptions(options, kind: "firewall"))
    Self.frame(source, destination, port: port).withUnsafeBytes { #expect(firewall.passes($0) == passes) }
  }

  @Test("what is no IP passes only where nothing is allowed by name")
  func other() throws {
    let open = try FirewallFunction(FunctionOptions("{\"deny\": [\"0.0.0.0/0\"]}", kind: "firewall"))
    let shut = try FirewallFunction(FunctionOptions("{\"allow\": [\"0.0.0.0/0\"]}", kind: "firewall"))
    Self.arp.withUnsafeBytes { frame in
      #expect(open.passes(frame))
      #expect(!shut.passes(frame))
    }
  }
}
