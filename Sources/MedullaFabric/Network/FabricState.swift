import Foundation
import MedullaBase

/// What `up` leaves for the commands and clients that come after it: `state.json` in the fabric's folder.
package struct FabricState: Sendable, Equatable, Codable {
  package static let version = 1
  private static let fileName = "state.json"
  private static let byteLimit = 1 << 20

  /// A network that is on the fabric.
  package struct Model: Sendable, Equatable, Codable {
    package var name: String
    package var number: Int
    package var epoch: Int
    /// Its plan's folder, a copy that belongs to the fabric.
    package var plan: String
  }

  package var stateVersion = Self.version
  package var fabric: String
  package var room: InstalledTask.Room
  package var models: [Model]

  package func model(_ name: String?) -> Model? {
    name.map { name in models.first { $0.name == name } } ?? (models.count == 1 ? models[0] : nil)
  }

  /// - Throws: `notRunning` when there is no such fabric.
  package static func read(_ names: FabricNames) throws(FabricError) -> FabricState {
    let path = "\(names.folder)/\(fileName)"
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      let state = try JSONDecoder().decode(
        FabricState.self, from: try handle.read(upToCount: byteLimit) ?? Data())
      guard state.stateVersion == version else { throw CocoaError(.coderInvalidValue) }
      return state
    } catch {
      throw FabricError(
        .notRunning, "there is no fabric \(names.fabric)",
        cause: FileManager.default.fileExists(atPath: path) ? error.localizedDescription : "",
        remedy: "`medulla fabric up PLAN` starts one")
    }
  }

  /// Replaces the file as a whole.
  package func write(_ names: FabricNames) throws(FabricError) {
    do {
      try FileManager.default.createDirectory(atPath: names.folder, withIntermediateDirectories: true)
      try Data(JSONText.encode(self, keys: .asNamed).utf8)
        .write(to: URL(fileURLWithPath: "\(names.folder)/\(Self.fileName)"), options: .atomic)
    } catch {
      throw FabricError(
        .system, "the fabric's state cannot be written to \(names.folder)", cause: error.localizedDescription,
        remedy: "check that /run has room and is writable")
    }
  }
}
