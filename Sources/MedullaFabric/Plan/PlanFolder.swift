import Foundation
import MedullaBase
import MedullaSnapshot

/// A plan on disk: a folder with `plan.json`, the network's `snapshot.medulla`, and `placement.svg`.
package struct PlanFolder: Sendable {
  package static let planName = "plan.json"
  package static let snapshotName = "snapshot.medulla"
  package static let pictureName = "placement.svg"
  private static let byteLimit = 16 << 20

  package let path: String
  package let plan: FabricPlan
  package let file: SnapshotFile

  /// Writes a plan as a whole or not at all; a plan that was there before goes.
  ///
  /// - Parameter folder: of another plan of the same network on the same disk, whose files serve this one too
  ///   where they are the same; nil: none.
  /// - Throws: `badPlan` where something else is in its place, or the disk refuses.
  package static func write(
    _ plan: FabricPlan, _ file: SnapshotFile, to path: String, sharing folder: String? = nil,
    _ names: [String] = [snapshotName]
  ) throws(FabricError) -> PlanFolder {
    let files = FileManager.default
    let target = URL(fileURLWithPath: path).standardizedFileURL
    let draft = target.deletingLastPathComponent().appendingPathComponent(
      ".\(target.lastPathComponent).\(getpid())")
    let former = draft.appendingPathExtension("former")
    defer { for own in [draft, former] { try? files.removeItem(at: own) } }
    if files.fileExists(atPath: target.path), !isPlan(target) {
      throw FabricError(
        .badPlan, "\(path) is there and is no plan, so that it stays",
        remedy: "give another name, or remove it yourself")
    }
    do {
      try files.createDirectory(at: draft, withIntermediateDirectories: true)
      try Data(JSONText.encode(plan, keys: .asNamed).utf8).write(to: draft.appendingPathComponent(planName))
      if let folder {
        for name in names {
          try files.linkItem(atPath: "\(folder)/\(name)", toPath: draft.appendingPathComponent(name).path)
        }
      } else {
        try Data(file.bytes).write(to: draft.appendingPathComponent(snapshotName))
      }
      try Data(PlanPicture(plan).svg.utf8).write(to: draft.appendingPathComponent(pictureName))
      if files.fileExists(atPath: target.path) { try files.moveItem(at: target, to: former) }
      try files.moveItem(at: draft, to: target)
    } catch {
      throw FabricError(
        .badPlan, "the plan cannot be written to \(path)", cause: error.localizedDescription,
        remedy: "check that the folder around it is writable, and has room")
    }
    return PlanFolder(path: target.path, plan: plan, file: file)
  }

  private static func isPlan(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(planName).path)
  }

  /// Reads a plan, and its network.
  ///
  /// - Throws: `badPlan` when it is none, of another version, or not of the network beside it.
  package static func read(_ path: String) throws(FabricError) -> PlanFolder {
    let folder = URL(fileURLWithPath: path).standardizedFileURL
    let remedy = "`medulla fabric plan` writes one"
    let plan: FabricPlan
    do {
      let handle = try FileHandle(forReadingFrom: folder.appendingPathComponent(planName))
      defer { try? handle.close() }
      let data = try handle.read(upToCount: byteLimit) ?? Data()
      plan = try JSONDecoder().decode(FabricPlan.self, from: data)
    } catch {
      throw FabricError(
        .badPlan, "\(path) has no plan that can be read", cause: reason(error), remedy: remedy)
    }
    guard plan.planVersion == FabricPlan.version else {
      throw FabricError(
        .badPlan, "\(path) is of version \(plan.planVersion), this program reads \(FabricPlan.version)",
        remedy: remedy)
    }
    let file: SnapshotFile
    do throws(SnapshotError) {
      file = try SnapshotFile(path: folder.appendingPathComponent(snapshotName).path)
    } catch {
      throw FabricError(.badPlan, "\(path): \(error.message)", cause: error.cause, remedy: error.remedy)
    }
    guard file.digest == plan.digest else {
      throw FabricError(.badPlan, "\(path): the plan is of another network", remedy: remedy)
    }
    return PlanFolder(path: folder.path, plan: plan, file: file)
  }

  private static func reason(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _)?: "it has no \(key.stringValue)"
    case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .dataCorrupted(let context)?:
      context.debugDescription
    default: error.localizedDescription
    }
  }
}
