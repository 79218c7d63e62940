import Foundation

/// Files that belong to the project but not to the program: found from the working directory, or from where
/// the program was built.
package enum ProjectFile {
  /// The first place where `folder` holds `name`.
  ///
  /// - Parameter remedy: how to name another place, for the error.
  package static func directory(_ folder: String, holding name: String, remedy: String) throws -> String {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    var places = [folder]
    // bin/medulla, and .build/PLATFORM/release/medulla
    var base = URL(fileURLWithPath: program)
    for _ in 0..<4 {
      base.deleteLastPathComponent()
      places.append(base.appendingPathComponent(folder).path)
    }
    let found = places.first { FileManager.default.isReadableFile(atPath: "\($0)/\(name)") }
    guard let found else {
      throw TestbedError(
        .fileFailed, "\(name) is not in \(places.joined(separator: ", ")).",
        remedy: "Run the command in the project's directory, or \(remedy).")
    }
    return found
  }
}
