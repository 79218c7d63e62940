import Foundation
import MedullaCodegen
import MedullaDatapath
import MedullaModel
import MedullaPacket
import MedullaSnapshot

/// What a bundle has of its shape: the programs with their header, or why there are none.
struct CompiledFolder {
  private let programs: BundlePrograms?
  let note: String?

  /// - Parameter requiresPrograms: refuses a network that no kernel would load.
  /// - Throws: also then when functions of the user's own were to be compiled for such a network.
  init(_ file: SnapshotFile, own: [FunctionSource], requiresPrograms: Bool) throws {
    do {
      programs = try BundlePrograms(file, own: own)
      note = nil
    } catch let error as CodegenError where !requiresPrograms && own.isEmpty {
      programs = nil
      note = error.message
    }
  }

  var entries: [BundleManifest.Program] { programs?.entries ?? [] }

  func write(to draft: URL) throws {
    guard let programs else { return }
    try ModelFile.write(
      Data(programs.header.utf8), to: draft.appendingPathComponent(SnapshotBundle.headerName).path)
    let folder = draft.appendingPathComponent(SnapshotBundle.programsName)
    try ModelFile.createDirectory(folder.path)
    try CompiledPrograms.write(programs.objects, to: folder)
  }
}
