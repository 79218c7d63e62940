import MedullaAdaptation
import MedullaControl

/// What holds for the reader of configurations on any bytes at all. The fuzz target and the tests share it.
package enum ConfigurationProperties {
  /// Bytes are refused with errors that name their place, or give a configuration whose functions are valid.
  /// nil, or what was violated; a trap is a violation by itself.
  package static func violation(_ bytes: [UInt8]) -> String? {
    do {
      let configuration = try Configuration(text: String(decoding: bytes, as: UTF8.self))
      guard !configuration.functions.isEmpty else { return "a configuration without functions was taken" }
      for function in configuration.functions {
        guard (try? function.validate()) != nil else { return "\(function.name) was taken and is not valid" }
      }
      let names = Set(configuration.functions.map(\.name))
      return names.count == configuration.functions.count ? nil : "two functions have one name"
    } catch {
      guard error.code == .badConfiguration else { return "the error has the code \(error.code)" }
      let stray = error.message.split(separator: "\n").first { !hasPlace($0) }
      return stray.map { "an error names no place: \($0)" }
    }
  }

  /// Whether a line begins as `configuration:LINE:COLUMN: `, from 1.
  private static func hasPlace(_ line: Substring) -> Bool {
    let parts = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "configuration", parts[3].first == " " else { return false }
    return parts[1...2].allSatisfy { (Int($0) ?? 0) >= 1 }
  }
}
