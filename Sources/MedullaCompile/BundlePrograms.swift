import MedullaBase
import MedullaDatapath
import MedullaKernel
import MedullaPacket
import MedullaSnapshot

/// The compiled programs of one shape.
package struct BundlePrograms: Sendable {
  /// The C of the shape.
  package let header: String
  package let objects: [String: CompiledProgram]
  /// What the manifest says of each.
  package let entries: [BundleManifest.Program]
  /// The oldest kernel that takes their instructions.
  package let kernel: KernelVersion

  /// Compiles every program that a network of this shape can have, and has the kernel verify it where this
  /// process may.
  ///
  /// - Parameters:
  ///   - own: the user's functions, which a dispatcher goes with.
  ///   - kernel: the oldest that they are for; nil: one of today.
  /// - Throws: `CodegenError` for a shape that no kernel would load; `wrongShape` for a function of another
  ///   size; when a program does not compile, or when the verifier refuses it.
  package init(
    _ file: SnapshotFile, own: [FunctionSource] = [], functions: FunctionList = .all,
    for kernel: KernelVersion? = .running
  ) throws {
    let compiled = try ShapePrograms(file, own: own, functions: functions, for: kernel)
    header = compiled.header
    objects = compiled.objects
    self.kernel = compiled.kernel
    entries = try compiled.names.compactMap { name in
      guard let object = compiled.objects[name] else { return nil }
      let (verified, note) = try Self.verify(object.bytes, named: name)
      return BundleManifest.Program(
        function: name, bytes: object.bytes.count, verifiedInstructions: verified, note: note)
    }
  }

  private static func verify(
    _ bytes: [UInt8], named name: String
  ) throws -> (instructions: Int?, note: String?) {
    let opened: [BPFObject] =
      name == Dispatcher.source.name
      ? try [.ingress, .xdp].map { try Dispatcher.object(bytes, at: $0) }
      : [try BPFObject(bytes: bytes, name: name)]
    var instructions = 0
    for object in opened {
      do {
        try object.load()
      } catch {
        guard error.code != .verifier else { throw error }
        // No privilege or no kernel feature: the bundle is good, only unverified here.
        return (nil, "not verified here: \(error.cause.isEmpty ? error.message : error.cause)")
      }
      instructions += try object.verifiedInstructions
    }
    return (instructions, nil)
  }
}
