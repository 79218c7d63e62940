import Foundation
import MedullaCodegen
import MedullaDatapath
import MedullaKernel
import MedullaModel
import MedullaPacket
import MedullaSnapshot

/// What a bundle has of its shape: the programs with their header, or why there are none.
struct CompiledFolder {
  private let programs: BundlePrograms?
  let note: String?

  /// - Parameters:
  ///   - requiresPrograms: refuses a network that no kernel would load.
  ///   - kernel: the oldest that the programs are for; nil: one of today.
  /// - Throws: also then when functions of the user's own were to be compiled for such a network.
  init(
    _ file: SnapshotFile, own: [FunctionSource], requiresPrograms: Bool, for kernel: KernelVersion?
  ) throws {
    do {
      programs = try BundlePrograms(file, own: own, for: kernel)
      note = nil
    } catch let error as CodegenError where !requiresPrograms && own.isEmpty {
      programs = nil
      note = error.message
    }
  }

  var entries: [BundleManifest.Program] { programs?.entries ?? [] }
  /// As the manifest says it.
  var kernel: String? { programs?.kernel.description }

  func write(to draft: URL) throws {
    guard let programs else { return }
    try ModelFile.write(
      Data(programs.header.utf8), to: draft.appendingPathComponent(SnapshotBundle.headerName).path)
    let folder = draft.appendingPathComponent(SnapshotBundle.programsName)
    try ModelFile.createDirectory(folder.path)
    try CompiledPrograms.write(programs.objects, to: folder)
  }
}
