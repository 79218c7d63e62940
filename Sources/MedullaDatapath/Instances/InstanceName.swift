/// The name of one attached instance.
package struct InstanceName: Hashable, Sendable, CustomStringConvertible {
  /// The tightest limit of a kernel's name that is made of it: TCP's (`TCP_CA_NAME_MAX` less its end).
  package static let lengthLimit = 15

  package let text: String

  /// - Parameter text: 1 to 15 of a–z, A–Z, 0–9, `-` and `_`, beginning with a letter.
  package init(_ text: String) throws(DatapathError) {
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

  package var description: String { text }
}
