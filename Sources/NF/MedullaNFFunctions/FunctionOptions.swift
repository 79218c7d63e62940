import Foundation
import MedullaBase
import MedullaNF

/// The options of a function in the chain's file, taken key by key; what nobody takes is refused.
package final class FunctionOptions {
  private let kind: String
  private var values: [String: JSONValue]
  private var known: Set<String> = []

  package init(_ text: String, kind: String) throws(NFError) {
    self.kind = kind
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)),
      let object = value.object
    else { throw NFError(.badSettings, "the options of \(kind) are no JSON object") }
    values = object
  }

  fileprivate func wrong(_ key: String, _ wanted: String) -> NFError {
    NFError(.badSettings, "\(kind): option \(key) must be \(wanted)")
  }

  fileprivate func take(_ key: String) -> JSONValue? {
    known.insert(key)
    return values.removeValue(forKey: key)
  }

  package func string(_ key: String) throws(NFError) -> String? {
    guard let value = take(key) else { return nil }
    guard let text = value.string else { throw wrong(key, "a string") }
    return text
  }

  package func requiredString(_ key: String) throws(NFError) -> String {
    guard let text = try string(key), !text.isEmpty else { throw wrong(key, "there, and a string") }
    return text
  }

  package func integer(_ key: String, in range: ClosedRange<Int>) throws(NFError) -> Int? {
    guard let value = take(key) else { return nil }
    guard let number = value.integer, range.contains(number) else {
      throw wrong(key, "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  package func strings(_ key: String) throws(NFError) -> [String]? {
    guard let value = take(key) else { return nil }
    guard case .array(let elements) = value else { throw wrong(key, "a list of strings") }
    let texts = elements.compactMap(\.string)
    guard texts.count == elements.count else { throw wrong(key, "a list of strings") }
    return texts
  }

  package func integers(_ key: String, in range: ClosedRange<Int>) throws(NFError) -> [Int]? {
    guard let value = take(key) else { return nil }
    let wanted = "a list of integers from \(range.lowerBound) to \(range.upperBound)"
    guard case .array(let elements) = value else { throw wrong(key, wanted) }
    let numbers = elements.compactMap(\.integer).filter(range.contains)
    guard numbers.count == elements.count else { throw wrong(key, wanted) }
    return numbers
  }

  package func boolean(_ key: String) throws(NFError) -> Bool? {
    guard let value = take(key) else { return nil }
    guard case .boolean(let flag) = value else { throw wrong(key, "true or false") }
    return flag
  }

  /// - Throws: `badSettings` where there are keys that nobody has asked for.
  package func finish() throws(NFError) {
    guard let unknown = values.keys.min() else { return }
    let there = known.isEmpty ? "it takes none" : "it takes \(known.sorted().joined(separator: ", "))"
    throw NFError(.badSettings, "\(kind): there is no option \(unknown.prefix(60))", remedy: there)
  }
}

extension FunctionOptions {
  package func word<Word: RawRepresentable<String>>(
    _ key: String, _ words: [Word]
  ) throws(NFError) -> Word? {
    guard let text = try string(key) else { return nil }
    guard let word = words.first(where: { $0.rawValue == text }) else {
      throw wrong(key, "one of \(words.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }

  package func number(_ key: String, in range: ClosedRange<Double>) throws(NFError) -> Double? {
    guard let value = take(key) else { return nil }
    guard let number = value.number, range.contains(number) else {
      throw wrong(key, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
