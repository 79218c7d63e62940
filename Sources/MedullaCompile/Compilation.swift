import Foundation
import MedullaCodegen
import MedullaDatapath
import MedullaKernel
import MedullaModel
import MedullaPacket
import MedullaSnapshot

/// A trained network on its way into a bundle that the kernel can run.
package struct Compilation: Sendable {
  package let network: Network
  package let calibration: Calibration
  package let options: QuantizerOptions
  /// The cheapest scheme is taken whose mean error is at most this part of the output's range; nil: the
  /// options' scheme.
  package let maxError: Double?
  /// Refuses a network that no kernel would load, instead of writing a bundle without programs.
  package let requiresPrograms: Bool
  /// Functions of the user's own that the bundle is to carry.
  package let own: [FunctionSource]
  /// The oldest kernel that the programs are for; nil: one of today.
  package let kernel: KernelVersion?

  package init(
    _ network: Network, _ calibration: Calibration, options: QuantizerOptions = QuantizerOptions(),
    maxError: Double? = nil, requiresPrograms: Bool = false, own: [FunctionSource] = [],
    kernel: KernelVersion? = .running
  ) {
    self.network = network
    self.calibration = calibration
    self.options = options
    self.maxError = maxError
    self.requiresPrograms = requiresPrograms
    self.own = own
    self.kernel = kernel
  }

  /// Quantizes the network, compiles the programs of every function that it fits, and writes the bundle as a
  /// whole or not at all. The same inputs give the same bytes, for one kernel.
  ///
  /// A network of millions of weights has no programs, and the manifest says why: its snapshot still runs in
  /// other runtimes, and can be cut into slices that fit.
  ///
  /// - Throws: `SnapshotError` for what cannot be quantized or written, `CodegenError` for a network that no
  ///   kernel would load when programs are required, `KernelError` from the compiler and the verifier.
  package func bundle(at path: String) throws -> SnapshotBundle {
    let (snapshot, report) = try quantized()
    let file = try SnapshotFile(snapshot)
    let programs = try CompiledFolder(file, own: own, requiresPrograms: requiresPrograms, for: kernel)
    return try SnapshotBundle.write(file, to: path) { draft in
      try ONNXWriter.write(network, to: draft.appendingPathComponent(SnapshotBundle.modelName).path)
      if !calibration.samples.isEmpty {
        let kept = Array(calibration.samples.prefix(CalibrationSplit.sampleLimit))
        try SampleFile.write(
          kept, to: draft.appendingPathComponent(SnapshotBundle.calibrationName).path)
      }
      try programs.write(to: draft)
      return BundleManifest(
        file, report: report, programs: programs.entries, programsNote: programs.note,
        kernel: programs.kernel)
    }
  }

  /// The integer network, and how far it is from the float one.
  package func quantized() throws -> (snapshot: Snapshot, report: AccuracyReport) {
    let quantizer = Quantizer(options)
    if let maxError { return try quantizer.quantize(network, calibration, target: maxError) }
    let snapshot = try quantizer.quantize(network, calibration)
    return (snapshot, try AccuracyReport(snapshot, network, calibration))
  }
}
