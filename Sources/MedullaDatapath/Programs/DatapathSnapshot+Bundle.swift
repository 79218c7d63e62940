import Foundation
import MedullaBase
import MedullaCodegen
import MedullaKernel
import MedullaSnapshot

extension DatapathSnapshot {
  /// The snapshot of a bundle with the bundle's programs.
  ///
  /// - Throws: `badBundle` when they are for newer kernels than `kernel`.
  package init(_ bundle: SnapshotBundle, for kernel: KernelVersion? = .running) throws {
    try Self.check(bundle, for: kernel)
    let name = URL(fileURLWithPath: bundle.path).deletingPathExtension().lastPathComponent
    try self.init(
      bundle.file, name: name, objects: CompiledPrograms.read(from: bundle.programsPath),
      bundlePath: bundle.path)
  }

  private static func check(_ bundle: SnapshotBundle, for kernel: KernelVersion?) throws(DatapathError) {
    guard let kernel, let needed = bundle.manifest.kernel.flatMap({ KernelVersion($0) }), kernel < needed
    else { return }
    let base = URL(fileURLWithPath: bundle.path).deletingPathExtension().path
    throw DatapathError(
      .badBundle, "the programs of \(bundle.path) need Linux \(needed) or newer, and this is \(kernel)",
      remedy: "`medulla compile \(bundle.path) --kernel \(kernel) -o \(base)-\(kernel).medulla`, where there "
        + "is a compiler, makes a bundle that fits")
  }

  /// - Parameter objects: what it may bring into the kernel; none is needed where its shape is loaded.
  /// - Throws: `CodegenError` when the shape needs a program that the kernel would not load.
  package init(
    _ file: SnapshotFile, name: String, objects: [String: CompiledProgram], bundlePath: String? = nil
  ) throws {
    let snapshot = file.snapshot
    try ProgramBudget(snapshot.shape).check()
    guard let digest = Array(hexadecimal: file.digest), digest.count == SHA256.byteCount else {
      throw DatapathError(.badBundle, "\(name) has no proper digest", remedy: "compile the bundle again")
    }
    try self.init(
      name: name, inputs: snapshot.shape.inputs, outputs: snapshot.shape.outputs, image: snapshot.image,
      digest: digest, shape: .shape(snapshot.shape), objects: objects, bundlePath: bundlePath,
      featureFractionBits: snapshot.shape.featureFractionBits,
      outputFractionBits: snapshot.shape.outputFractionBits)
  }
}
