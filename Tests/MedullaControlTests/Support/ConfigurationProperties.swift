import MedullaAdaptation
import MedullaControl

/// What holds for the reader of configurations on any bytes at all. The fuzz target and the tests share it.
enum ConfigurationProperties {
  /// Bytes are refused with errors that name a line, or give a configuration whose functions are valid. nil,
  /// or what was violated; a trap is a violation by itself.
  static func violation(_ bytes: [UInt8]) -> String? {
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
      return error.message.contains("line ") ? nil : "an error names no line: \(error.message)"
    }
  }
}
