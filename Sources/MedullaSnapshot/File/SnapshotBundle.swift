import CHost
import Foundation

/// A compiled network on disk: a directory `NAME.medulla`.
///
/// | path | what |
/// | --- | --- |
/// | `snapshot.medulla` | the integer network (`SnapshotFile`) |
/// | `manifest.json` | what was compiled, how accurate it is, which programs it has |
/// | `model.onnx` | the float network, for reports and tuning |
/// | `calibration.npy` | the samples that it was calibrated on, when there were any |
/// | `shape.h` | the C of the shape |
/// | `programs/FUNCTION.bpf.o` | the compiled functions |
/// | `programs/FUNCTION.bpf.c` | the source of a function of the user's own |
package struct SnapshotBundle: Sendable {
  package let path: String
  package let manifest: BundleManifest
  package let file: SnapshotFile

  package static let snapshotName = "snapshot.medulla"
  package static let manifestName = "manifest.json"
  package static let modelName = "model.onnx"
  package static let calibrationName = "calibration.npy"
  package static let headerName = "shape.h"
  package static let programsName = "programs"

  package var snapshot: Snapshot { file.snapshot }
  package var modelPath: String { path + "/" + Self.modelName }
  package var calibrationPath: String { path + "/" + Self.calibrationName }
  package var headerPath: String { path + "/" + Self.headerName }
  package var programsPath: String { path + "/" + Self.programsName }

  /// Files that do not depend on this version's programs: the float network, the calibration.
  package var ownFiles: [String] {
    (manifest.files ?? [:]).keys.filter { $0 == Self.modelName || $0 == Self.calibrationName }.sorted()
  }

  /// Opens a bundle and checks every file of it against its manifest.
  ///
  /// - Throws: `io` when a file is missing, `malformedFile` or `digestMismatch` when one is damaged.
  package static func open(_ path: String) throws(SnapshotError) -> SnapshotBundle {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
    else {
      throw SnapshotError(
        .io, "\(path) is not a bundle: there is no such directory",
        remedy: "Make one with `medulla compile MODEL --calibration FILE -o \(path)`.")
    }
    let manifest = try BundleManifest(data: BoundedFile.read(path + "/" + manifestName), path: path)
    let file = try SnapshotFile(path: path + "/" + snapshotName)
    guard file.digest == manifest.digest else {
      throw SnapshotError(
        .digestMismatch,
        "\(path) has a snapshot \(file.digest.prefix(12)) and a manifest for "
          + "\(manifest.digest.prefix(12))", remedy: "Compile the bundle again.")
    }
    guard let files = manifest.files else {
      throw SnapshotError(
        .malformedFile, "\(path) is of an earlier version, whose manifest names no files",
        remedy: "Compile the bundle again.")
    }
    try BundleFiles.check(files, in: path)
    return SnapshotBundle(path: path, manifest: manifest, file: file)
  }

  /// Writes a bundle as a whole or not at all: into a directory beside it, which then takes its name. A
  /// bundle that was there before is replaced, in one step where the file system can; nothing else is, and a
  /// link stays a link.
  ///
  /// - Parameter fill: writes the files of other modules (model, header, programs) into the directory that it
  ///   is given and returns the manifest.
  /// - Throws: `io`, and what `fill` throws.
  package static func write(
    _ file: SnapshotFile, to path: String, fill: (URL) throws -> BundleManifest
  ) throws -> SnapshotBundle {
    let target = try place(path)
    let parent = target.deletingLastPathComponent()
    let name = ".\(target.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier)"
    let draft = parent.appendingPathComponent(name + ".draft")
    let files = FileManager.default
    try checkReplaceable(target.path)
    do {
      try? files.removeItem(at: draft)
      try files.createDirectory(at: parent, withIntermediateDirectories: true)
      try files.createDirectory(at: draft, withIntermediateDirectories: false)
    } catch {
      throw SnapshotError(
        .io, "\(path) cannot be written", cause: error.localizedDescription,
        remedy: "Check that the directory around it is writable.")
    }
    defer { try? files.removeItem(at: draft) }
    var manifest = try fill(draft)
    manifest.files = try BundleFiles.digests(in: draft.path)
    do {
      try Data(file.bytes).write(to: draft.appendingPathComponent(snapshotName))
      try manifest.data().write(to: draft.appendingPathComponent(manifestName))
      try put(draft, at: target)
    } catch {
      throw SnapshotError(.io, "\(path) cannot be written", cause: error.localizedDescription)
    }
    return SnapshotBundle(path: path, manifest: manifest, file: file)
  }

  /// Where a path leads: a link is followed.
  private static func place(_ path: String) throws(SnapshotError) -> URL {
    guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
      return URL(fileURLWithPath: path)
    }
    guard FileManager.default.fileExists(atPath: path) else {
      throw SnapshotError(.io, "\(path) is a link to \(target), where nothing is", remedy: "Remove the link.")
    }
    return URL(fileURLWithPath: path).resolvingSymlinksInPath()
  }

  /// - Throws: `io` unless there is nothing, or a bundle with no file of anyone else's.
  private static func checkReplaceable(_ path: String) throws(SnapshotError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard FileManager.default.fileExists(atPath: path + "/" + manifestName) else {
      throw SnapshotError(
        .io, "\(path) exists and is not a bundle", remedy: "Choose another name, or remove it first.")
    }
    let manifest = try BundleManifest(data: BoundedFile.read(path + "/" + manifestName), path: path)
    // An earlier version's has no list of what is its own.
    guard manifest.files != nil else { return }
    let foreign = try BundleFiles.foreign(in: path, to: manifest)
    guard foreign.isEmpty else {
      throw SnapshotError(
        .io, "\(path) has files that are not the bundle's: \(foreign.prefix(5).joined(separator: ", "))",
        remedy: "Choose another name, or move them away.")
    }
  }

  private static func put(_ draft: URL, at target: URL) throws {
    let files = FileManager.default
    guard files.fileExists(atPath: target.path) else { return try files.moveItem(at: draft, to: target) }
    switch medulla_exchange(draft.path, target.path) {
    // The draft's place has the old bundle now.
    case 0: try files.removeItem(at: draft)
    case -EINVAL, -ENOSYS:
      // Two renames: for an instant there is no bundle, but never half of one.
      let old = draft.deletingPathExtension().appendingPathExtension("old")
      try? files.removeItem(at: old)
      try files.moveItem(at: target, to: old)
      defer { try? files.removeItem(at: old) }
      try files.moveItem(at: draft, to: target)
    case let code: throw POSIXError(POSIXErrorCode(rawValue: Int32(-code)) ?? .EIO)
    }
  }
}
