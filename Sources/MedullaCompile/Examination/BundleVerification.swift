import MedullaDatapath
import MedullaKernel
import MedullaSnapshot

/// What the running kernel's verifier says of a bundle's programs; nothing is attached.
package struct BundleVerification: Codable, Sendable {
  package struct Program: Codable, Sendable {
    package let function: String
    /// That the verifier walked through, over the object's programs.
    package let verifiedInstructions: Int
  }

  package let kernel: String
  package let programs: [Program]

  /// - Throws: `KernelError` of the first program that the kernel refuses; `badBundle` when the programs are
  ///   for newer kernels.
  package init(_ bundle: SnapshotBundle, functions: FunctionList = .all) throws {
    let snapshot = try DatapathSnapshot(bundle)
    kernel = RunningHost().kernelRelease
    programs = try functions.programs
      .filter { $0.accepts(snapshot) }
      .map { program in
        let object = try BPFObject(bytes: snapshot.object(of: program), name: program.name)
        try object.load()
        return Program(
          function: program.name, verifiedInstructions: try object.verifiedInstructions)
      }
  }
}
