import Foundation
import MedullaBase

/// Which class nDPI's protocols and categories stand for.
///
/// As JSON an object: `{"TLS.YouTube": "streaming", "BitTorrent": "bulk @ 0.8", "category:Web": "web"}`.
/// The most specific name counts: the whole one, then the application's, then that of what carries it, then
/// the category.
package struct NDPIMap: Sendable, Equatable {
  package struct Meaning: Sendable, Equatable {
    package let label: Int
    package let confidence: Double
  }

  package static let byteLimit = 1 << 20
  package static let entryLimit = 4_096
  static let categoryPrefix = "category:"

  /// By nDPI's names, in small letters.
  private let meanings: [String: Meaning]
  /// As they were written.
  let names: [String]

  /// - Throws: `badSetting` for a class that there is not, a confidence that is none, too many names.
  package init(_ table: [String: String], schema: LabelSchema) throws(NDPIError) {
    guard !table.isEmpty, table.count <= Self.entryLimit else {
      throw NDPIError(
        .badSetting, "the map of nDPI's names has \(table.count) of them",
        remedy: "give 1 to \(Self.entryLimit), as {\"TLS.YouTube\": \"streaming\", \"category:Web\": \"web\"}"
      )
    }
    var meanings: [String: Meaning] = [:]
    for (name, text) in table.sorted(by: { $0.key < $1.key }) {
      guard let sure = SureLabel(text), let place = schema.place(of: sure.label) else {
        throw NDPIError(
          .badSetting, "\"\(name)\" stands for \"\(text)\", which is no class",
          remedy: "write CLASS or CLASS @ CONFIDENCE; classes are \(schema.classes.joined(separator: ", "))")
      }
      guard
        meanings.updateValue(Meaning(label: place, confidence: sure.confidence), forKey: name.lowercased())
          == nil
      else {
        throw NDPIError(
          .badSetting, "\"\(name)\" stands there twice, in other letters", remedy: "leave one out")
      }
    }
    self.meanings = meanings
    names = table.keys.sorted()
  }

  /// - Parameter path: of a JSON object of texts.
  /// - Throws: `badSetting`.
  package static func read(_ path: String, schema: LabelSchema) throws(NDPIError) -> NDPIMap {
    let table: [String: String]
    do {
      let bytes = try BoundedFile.read(path, limit: byteLimit).bytes
      table = try JSONDecoder().decode([String: String].self, from: bytes)
    } catch let error as ListError {
      throw NDPIError(.badSetting, error.message, cause: error.cause, remedy: error.remedy)
    } catch {
      throw NDPIError(
        .badSetting, "\(path) is no map of nDPI's names",
        remedy: "write a JSON object of texts: {\"TLS.YouTube\": \"streaming\", \"category:Web\": \"web\"}")
    }
    return try NDPIMap(table, schema: schema)
  }

  /// What a finding stands for; nil: nothing.
  package func meaning(of finding: NDPIFinding) -> Meaning? {
    let category = finding.category.isEmpty ? "" : Self.categoryPrefix + finding.category
    for name in [finding.name, finding.application, finding.carrier, category] where !name.isEmpty {
      if let meaning = meanings[name.lowercased()] { return meaning }
    }
    return nil
  }

  /// - Throws: `badSetting` for a name that nDPI does not have.
  func check(by module: NDPIModule) throws(NDPIError) {
    for name in names {
      if name.lowercased().hasPrefix(Self.categoryPrefix) {
        guard module.hasCategory(String(name.dropFirst(Self.categoryPrefix.count))) else {
          throw NDPIError(
            .badSetting, "nDPI has no category \"\(name)\"",
            remedy: "it has such as category:Web, category:VoIP")
        }
        continue
      }
      // What carries an application, and the application.
      for part in name.split(separator: ".", maxSplits: 1) where module.find(protocol: String(part)) == nil {
        guard module.find(protocol: name) == nil else { break }
        throw NDPIError(
          .badSetting, "nDPI has no protocol \"\(part)\"",
          remedy: "`ndpiReader -H` lists its names; Debian's libndpi-dev has protos.txt")
      }
    }
  }
}

/// A class and how sure it is, as people write it: `web`, `web @ 0.9`, `web@0.9`.
package struct SureLabel: Sendable, Equatable {
  package let label: String
  package let confidence: Double

  /// nil: there is no class, or a confidence that is none.
  package init?(_ text: String) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    guard let first = parts.first, !first.isEmpty else { return nil }
    label = first
    guard parts.count == 2 else {
      confidence = 1
      return
    }
    guard let value = Double(parts[1]), value > 0, value <= 1 else { return nil }
    confidence = value
  }
}
