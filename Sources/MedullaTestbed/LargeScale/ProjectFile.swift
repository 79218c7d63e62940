import Foundation

/// Files that belong to the project but not to the program: found from the working directory, or from where
/// the program was built.
enum ProjectFile {
  /// The first place where `folder` holds `name`.
  ///
  /// - Parameter setting: the setting of the plan that names another place, for the error.
  static func directory(_ folder: String, holding name: String, setting: String) throws -> String {
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
        remedy: "Run the command in the project's directory, or say where it is by --set \(setting)=PATH.")
    }
    return found
  }
}
