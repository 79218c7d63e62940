import MedullaBase
import MedullaNF

/// The functions that a chain file names by their kind. A new one is a type and a line here.
package enum BuiltInFunctions {
  private static let makers:
    [(kind: String, make: @Sendable (FunctionOptions) throws -> any NetworkFunction)] =
      [
        ("count", { try CountFunction($0) }),
        ("forward", { try ForwardFunction($0) }),
        ("firewall", { try FirewallFunction($0) }),
        ("classifier", { try FlowClassifierFunction($0) }),
        ("inference", { try InferenceFunction($0) }),
        ("file-types", { try FileTypeFunction($0) }),
        ("trainer", { try TrainerFunction($0) }),
      ]

  package static var names: [String] { makers.map(\.kind) }

  /// - Parameter options: the JSON object of the chain file's `options`.
  /// - Throws: `badSettings` for an unknown kind, and for options that it does not take.
  package static func make(_ kind: String, options: String) throws -> any NetworkFunction {
    guard let maker = makers.first(where: { $0.kind == kind }) else {
      throw NFError(
        .badSettings, "there is no function of kind \"\(kind.prefix(60))\"",
        remedy: "kinds are \(names.joined(separator: ", "))")
    }
    let options = try FunctionOptions(options, kind: kind)
    let function = try maker.make(options)
    try options.finish()
    return function
  }
}
