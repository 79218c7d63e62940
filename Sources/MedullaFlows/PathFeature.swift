import CMedullaABI

/// One number that says something of a path. Declared in `path_features.h`, once for the kernel and here.
///
/// A network is told it as `path_NAME_NUMBER`, of the paths from 1.
package struct PathFeature: Sendable, Equatable, Encodable {
  package let name: String
  package let unit: String
  package let formula: String
  package let source: String

  /// Of one path, in the order of the kernel's.
  private static func all(of path: Int) -> [PathFeature] {
    (0..<UInt32(PATH_FEATURE_COUNT.rawValue)).compactMap { number in
      guard let text = path_feature_text(number)?.pointee else { return nil }
      return PathFeature(
        name: "path_\(String(cString: text.name))_\(path)", unit: String(cString: text.unit),
        formula: String(cString: text.formula), source: "path \(path) of an instance")
    }
  }

  /// Of all paths that an instance may have.
  package static let all: [PathFeature] = (1...Int(PATHS_LIMIT)).flatMap(all)

  private static let names = Set(all.map(\.name))

  package static func isKnown(_ name: String) -> Bool { names.contains(name) }
}
