import MedullaCodegen
import MedullaDatapath
import MedullaKernel
import MedullaSnapshot

/// The compiled programs of one shape.
package struct BundlePrograms: Sendable {
  /// The C of the shape.
  package let header: String
  package let objects: [String: CompiledProgram]
  /// What the manifest says of each.
  package let entries: [BundleManifest.Program]

  /// Compiles every program that a network of this shape can have, and has the kernel verify it where this
  /// process may.
  ///
  /// - Throws: `CodegenError` for a shape that no kernel would load; when a program does not compile, or when
  ///   the verifier refuses it.
  package init(_ shape: ProgramShape, functions: FunctionList = .all) throws {
    let header = try ProgramHeader(shape: shape).text
    let shapeDigest = try ProgramHeader.digest(of: shape)
    let compiler = try BPFCompiler()
    var objects: [String: CompiledProgram] = [:]
    var entries: [BundleManifest.Program] = []
    for program in functions.programs
    where program.sizes.accepts(inputs: shape.inputs, outputs: shape.outputs) {
      let object = try program.object(header: header, compiler: compiler)
      objects[program.name] = CompiledProgram(
        bytes: object, sources: program.digest(for: shapeDigest))
      let (verified, note) = try Self.verify(object, of: program)
      entries.append(
        BundleManifest.Program(
          function: program.name, bytes: object.count, verifiedInstructions: verified, note: note))
    }
    (self.header, self.objects, self.entries) = (header, objects, entries)
  }

  private static func verify(
    _ object: [UInt8], of program: ProgramSource
  ) throws -> (instructions: Int?, note: String?) {
    let opened = try BPFObject(bytes: object, name: program.name)
    do {
      try opened.load()
    } catch {
      guard error.code != .verifier else { throw error }
      // No privilege or no kernel feature: the bundle is good, only unverified here.
      return (nil, "not verified here: \(error.cause.isEmpty ? error.message : error.cause)")
    }
    return try (
      opened.programNames.reduce(0) { try $0 + opened.loadedProgram($1).facts().verifiedInstructions }, nil
    )
  }
}
