/// The name of one attached instance, and the name by which TCP knows it.
public struct InstanceName: Hashable, Sendable, CustomStringConvertible {
  /// TCP's limit (`TCP_CA_NAME_MAX` less its end).
  public static let lengthLimit = 15

  public let text: String

  /// - Parameter text: 1 to 15 of a–z, A–Z, 0–9, `-` and `_`, beginning with a letter.
  public init(_ text: String) throws(DatapathError) {
    let allowed = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
      default: false
      }
    }
    guard allowed, text.first?.isLetter == true, text.utf8.count <= Self.lengthLimit else {
      throw DatapathError(
        .badName, "\"\(text)\" cannot be the name of an instance",
        remedy: "use 1 to \(Self.lengthLimit) letters, digits, - and _, and begin with a letter")
    }
    self.text = text
  }

  /// TCP's name: the kernel takes no `-` in the name of a congestion control that is loaded as eBPF, so it
  /// becomes `_`.
  public var congestion: String { text.replacing("-", with: "_") }

  public var description: String { text }
}
