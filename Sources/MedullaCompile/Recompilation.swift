import Foundation
import MedullaDatapath
import MedullaKernel
import MedullaModel
import MedullaPacket
import MedullaSnapshot

/// A bundle whose programs are compiled anew, by this version and with further functions of the user's own;
/// its snapshot stays, bit for bit.
package struct Recompilation: Sendable {
  package let bundle: SnapshotBundle
  /// Of the user's own, by name.
  let own: [FunctionSource]
  package let requiresPrograms: Bool
  /// The oldest kernel that the programs are for; nil: one of today.
  package let kernel: KernelVersion?

  /// - Parameter own: functions that the bundle is to carry beside those that it has; one of the same name
  ///   takes the other's place.
  package init(
    _ bundle: SnapshotBundle, own: [FunctionSource] = [], requiresPrograms: Bool = false,
    kernel: KernelVersion? = .running
  ) throws {
    self.bundle = bundle
    self.kernel = kernel
    let carried = try CompiledPrograms.read(from: bundle.programsPath).compactMap { name, object in
      try object.text.map { try FunctionSource(fileName: ProgramSource.sourceName(name), text: $0) }
    }
    let given = Set(own.map(\.name))
    self.own = (carried.filter { !given.contains($0.name) } + own).sorted { $0.name < $1.name }
    self.requiresPrograms = requiresPrograms
  }

  /// Writes the bundle, in place of the one that was opened too.
  ///
  /// - Throws: as `Compilation.bundle(at:)`.
  package func bundle(at path: String) throws -> SnapshotBundle {
    let programs = try CompiledFolder(bundle.file, own: own, requiresPrograms: requiresPrograms, for: kernel)
    return try SnapshotBundle.write(bundle.file, to: path) { draft in
      for name in bundle.ownFiles {
        let data = try ModelFile.read(bundle.path + "/" + name)
        try ModelFile.write(Data(data), to: draft.appendingPathComponent(name).path)
      }
      try programs.write(to: draft)
      return bundle.manifest.with(programs: programs.entries, note: programs.note, kernel: programs.kernel)
    }
  }
}
