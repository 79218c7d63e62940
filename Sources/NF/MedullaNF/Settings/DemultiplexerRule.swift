import CMedullaNF

/// Which frames are a function's: every field that is there must match.
package struct DemultiplexerRule: Sendable, Equatable {
  package enum VLAN: Sendable, Equatable {
    case none
    case tag(Int)
  }

  package var etherType: Int?
  package var vlan: VLAN?
  /// Of IP, such as 17 for UDP.
  package var ipProtocol: Int?
  package var source: AddressPrefix?
  package var destination: AddressPrefix?
  package var sourcePorts: ClosedRange<Int>?
  package var destinationPorts: ClosedRange<Int>?
  package var flowClass: FlowClass?
  /// nil: the kernel's own.
  package var function: String?

  package init(function: String?) {
    self.function = function
  }
}

extension DemultiplexerRule {
  /// The rule as the kernel's program reads it. All numbers were looked at by `ChainSettings.check`.
  func entry(function number: UInt32) -> nf_rule {
    var rule = nf_rule()
    rule.function = number
    var fields: UInt32 = 0
    func take<Value>(_ value: Value?, _ field: UInt32, _ use: (Value) -> Void) {
      guard let value else { return }
      fields |= field
      use(value)
    }
    take(etherType, UInt32(NF_MATCH_ETHERTYPE)) { rule.ethertype = UInt16($0) }
    take(vlan, UInt32(NF_MATCH_VLAN)) {
      switch $0 {
      case .none: rule.vlan = UInt16(NF_NO_VLAN)
      case .tag(let tag): rule.vlan = UInt16(tag)
      }
    }
    take(ipProtocol, UInt32(NF_MATCH_PROTOCOL)) { rule.protocol = UInt8($0) }
    take(source, UInt32(NF_MATCH_SOURCE)) {
      rule.version = $0.version
      withUnsafeMutableBytes(of: &rule.source) { [bytes = $0.bytes] in $0.copyBytes(from: bytes) }
      withUnsafeMutableBytes(of: &rule.source_mask) { [mask = $0.mask] in $0.copyBytes(from: mask) }
    }
    take(destination, UInt32(NF_MATCH_DESTINATION)) {
      rule.version = $0.version
      withUnsafeMutableBytes(of: &rule.destination) { [bytes = $0.bytes] in $0.copyBytes(from: bytes) }
      withUnsafeMutableBytes(of: &rule.destination_mask) { [mask = $0.mask] in $0.copyBytes(from: mask) }
    }
    take(sourcePorts, UInt32(NF_MATCH_SOURCE_PORT)) {
      rule.source_ports = (UInt16($0.lowerBound), UInt16($0.upperBound))
    }
    take(destinationPorts, UInt32(NF_MATCH_DESTINATION_PORT)) {
      rule.destination_ports = (UInt16($0.lowerBound), UInt16($0.upperBound))
    }
    take(flowClass, UInt32(NF_MATCH_CLASS)) {
      // A class that nobody knows is no flow's.
      rule.row = $0.row.map(UInt32.init) ?? NF_GONE_ROW
    }
    rule.fields = fields
    return rule
  }
}
