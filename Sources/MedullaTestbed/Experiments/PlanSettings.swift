import Foundation

/// Changes of a plan's values by their names, as a command line gives them: `seconds=5`, `flows=[2,10]`.
enum PlanSettings {
  /// Throws `badParameter` that names the setting.
  static func apply<Plan: Codable>(_ settings: [String], to plan: Plan) throws -> Plan {
    let text = try JSONText.encode(plan)
    guard var values = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw TestbedError(.badParameter, "This plan has no settings.", remedy: "Leave --set out.")
    }
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      // What is no JSON is a text, so that words need no quotes.
      let value: Any? =
        parts.count == 2
        ? (try? JSONSerialization.jsonObject(with: Data(parts[1].utf8), options: .fragmentsAllowed))
          ?? parts[1] : nil
      let path = parts.first.map { $0.split(separator: ".").map(String.init) } ?? []
      guard let value, let changed = replacing(values, path, value) else {
        throw TestbedError(
          .badParameter, "`\(setting)` sets nothing of the plan.",
          remedy: "Write KEY=VALUE with a key of \(values.keys.sorted().joined(separator: ", ")).")
      }
      values = changed
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(Plan.self, from: JSONSerialization.data(withJSONObject: values))
    } catch {
      throw TestbedError(
        .badParameter, "`\(settings.joined(separator: " "))` does not fit the plan: \(Self.text(error)).",
        remedy: "Give each key a value of the kind that the result file shows.")
    }
  }

  /// `outer.inner` reaches into a part of the plan; nil when there is no such key.
  private static func replacing(_ values: [String: Any], _ path: [String], _ value: Any) -> [String: Any]? {
    guard let key = path.first, let old = values[key] else { return nil }
    var values = values
    if path.count == 1 {
      values[key] = value
    } else {
      guard let inner = old as? [String: Any], let changed = replacing(inner, Array(path.dropFirst()), value)
      else { return nil }
      values[key] = changed
    }
    return values
  }

  private static func text(_ error: any Error) -> String {
    guard case .typeMismatch(_, let context)? = error as? DecodingError else { return "a value is missing" }
    return context.codingPath.map(\.stringValue).joined(separator: ".") + " has another type"
  }
}
