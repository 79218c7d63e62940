import ArgumentParser
import Foundation
import MedullaCodegen
import MedullaCompile
import MedullaKernel
import MedullaModel
import MedullaPacket
import MedullaSnapshot

/// `medulla compile`: a trained float network becomes a bundle that the kernel can run.
struct CompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Make an integer snapshot and its programs from a trained network.",
    discussion: """
      MODEL is an ONNX or safetensors file. Calibration samples (.npy or .csv, one input a row) show what \
      live inputs look like; features beyond their range, widened by the headroom, saturate. The result is \
      a directory with the snapshot, its programs and a manifest. The same inputs give the same bytes, for \
      one --kernel. A \
      network that is too large for one kernel program becomes a bundle without programs, which says why.

      FILE.bpf.c is a function of your own: one eBPF C source that includes "medulla_packet.bpf.h" (or \
      "medulla.bpf.h"), registers itself with MEDULLA_FUNCTION(program, inputs, outputs), makes features of \
      packets and acts by the network's outputs. The bundle carries it compiled, and `medulla attach \
      function` attaches it; examples/custom-function has a worked example.

      MODEL may be a bundle: then only its programs are compiled anew, and its snapshot stays as it is. So a \
      bundle of another version becomes one of this, and gets functions of your own.
      """)

  @Argument(help: "The trained network: .onnx, or .safetensors with a layers.json; or a bundle.")
  var model: String
  @Option(help: ArgumentHelp("Calibration samples: .npy or .csv.", valueName: "file"))
  var calibration: String?
  @Option(
    help: ArgumentHelp(
      "A line \"low,high\" for each feature, instead of what samples show.", valueName: "file"))
  var ranges: String?
  @Option(
    help: ArgumentHelp(
      "Of a network over features of flows: a line for each input, FEATURE or log2(1+FEATURE).",
      valueName: "file"))
  var features: String?
  @Option(
    help: ArgumentHelp("Of a classifier: a line for each output, the name of its class.", valueName: "file"))
  var labels: String?
  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The bundle to write; a bundle is written in place without.", valueName: "bundle"))
  var output: String?
  @Option(
    help: ArgumentHelp(
      "The source of a function of your own that the bundle is to carry; may be repeated.",
      valueName: "file.bpf.c"))
  var program: [String] = []
  @Option(
    help: ArgumentHelp(
      "The model's output to compile, by its name; needed where it has several.", valueName: "name"))
  var outputName: String?
  @Option(help: "w8a8, w8a10, w8a16 or w16a16; default w8a16.")
  var scheme: QuantizationScheme?
  @Option(
    help: ArgumentHelp(
      "The cheapest scheme whose mean error is at most this part of the output's range.", valueName: "part"))
  var maxError: Double?
  @Option(help: "Ranges span this percentile of the calibration values; 100 is all.")
  var percentile = 100.0
  @Option(help: "How far ranges are widened on each side, as a part of their width.")
  var headroom: Double?
  @Option(help: "Fraction bits of the features.")
  var featureBits = 16
  @Option(help: "Fraction bits of the outputs.")
  var outputBits = 16
  @Option(
    help: ArgumentHelp("A bundle whose running programs the new snapshot must fit.", valueName: "bundle"))
  var matching: String?
  @Option(
    help: ArgumentHelp(
      "A directory for the snapshot as C of user space, with its header: the same bits.", valueName: "dir"))
  var emitC: String?
  @Option(
    help: ArgumentHelp(
      "The oldest kernel that the programs must load into, such as 6.1; default this machine's.",
      valueName: "version"))
  var kernel: KernelVersion?
  @Flag(help: "Fail when the network is too large for programs, instead of leaving them out.")
  var requirePrograms = false
  @Flag(help: "Print the manifest on standard output.")
  var json = false

  func validate() throws {
    guard !isBundle else { return try validateBundle() }
    guard calibration != nil || ranges != nil else {
      throw ValidationError("Give --calibration FILE, or --ranges FILE.")
    }
    guard output != nil else { throw ValidationError("Give -o BUNDLE, the bundle to write.") }
    guard labels == nil || features != nil else {
      throw ValidationError("--labels is for networks over features of flows: give --features FILE too.")
    }
    guard scheme == nil || maxError == nil else {
      throw ValidationError("--max-error chooses the scheme; give one of --scheme and --max-error.")
    }
    if let kernel, kernel < .oldest {
      throw ValidationError("--kernel \(kernel): programs need Linux \(KernelVersion.oldest) or newer.")
    }
  }

  private var isBundle: Bool {
    FileManager.default.fileExists(atPath: model + "/" + SnapshotBundle.manifestName)
  }

  /// What makes a snapshot says nothing of one that is there.
  private func validateBundle() throws {
    let given: [(String, Bool)] = [
      ("--calibration", calibration != nil), ("--ranges", ranges != nil),
      ("--features", features != nil), ("--labels", labels != nil), ("--output-name", outputName != nil),
      ("--scheme", scheme != nil), ("--max-error", maxError != nil),
      ("--percentile", percentile != 100), ("--headroom", headroom != nil),
      ("--feature-bits", featureBits != 16), ("--output-bits", outputBits != 16),
      ("--matching", matching != nil),
    ]
    guard let wrong = given.first(where: \.1)?.0 else { return }
    throw ValidationError("\(model) is a bundle, whose snapshot stays as it is: \(wrong) is for models.")
  }

  func run() throws {
    let bundle = try compiled()
    if let emitC { try writeSource(of: bundle.file, to: emitC) }
    if json {
      print(String(decoding: try bundle.manifest.data(), as: UTF8.self))
    } else {
      show(bundle)
    }
  }

  private func compiled() throws -> SnapshotBundle {
    let own = try program.map { try FunctionSource(contentsOf: $0) }
    if isBundle {
      return try Recompilation(
        SnapshotBundle.open(model), own: own, requiresPrograms: requirePrograms, kernel: kernel ?? .running
      ).bundle(at: output ?? model)
    }
    let network = try Network.read(contentsOf: model, output: outputName)
    let calibration = try readCalibration(for: network)
    let compilation = try Compilation(
      network, calibration, options: options(), maxError: maxError, requiresPrograms: requirePrograms,
      own: own, kernel: kernel ?? .running)
    return try compilation.bundle(at: output ?? model + ".medulla")
  }

  private func writeSource(of file: SnapshotFile, to folder: String) throws {
    try ModelFile.createDirectory(folder)
    for (name, text) in SnapshotSource(file).files {
      try ModelFile.write(Data(text.utf8), to: folder + "/" + name)
    }
  }

  private func readCalibration(for network: Network) throws -> Calibration {
    let inputs = network.inputShape.count
    let samples = try calibration.map { try SampleFile.read($0, elements: inputs) } ?? []
    let given = try ranges.map { try SampleFile.read($0, elements: 2) }
    return Calibration(
      samples: samples, ranges: given?.map { FeatureRange(low: Double($0[0]), high: Double($0[1])) })
  }

  private func options() throws -> QuantizerOptions {
    let running = try matching.map { try SnapshotBundle.open($0).snapshot.shape }
    return QuantizerOptions(
      scheme: scheme ?? running?.scheme ?? .w8a16, featureFractionBits: featureBits,
      outputFractionBits: outputBits, percentile: percentile, headroom: headroom, matching: running,
      flows: try features.map { try FlowInterfaceFile.read(features: $0, labels: labels) } ?? running?.flows)
  }

  private func show(_ bundle: SnapshotBundle) {
    let manifest = bundle.manifest
    print("\(bundle.path): \(manifest.shape)")
    print("digest    \(manifest.digest)")
    print(
      "error     mean \(percent(manifest.error.meanRelative)), 99th percentile "
        + "\(percent(manifest.error.p99Relative)), largest \(percent(manifest.error.maxRelative)) of the "
        + "output's range")
    for program in manifest.programs {
      let verified = program.verifiedInstructions.map { "\($0) instructions verified" } ?? program.note ?? ""
      print("program   \(program.function), \(program.bytes) bytes, \(verified)")
    }
    if let kernel = manifest.kernel { print("kernel    Linux \(kernel) or newer") }
    if let note = manifest.programsNote { print("programs  none: \(note)") }
  }

  private func percent(_ part: Double) -> String { String(format: "%.4f%%", part * 100) }
}

extension QuantizationScheme: ExpressibleByArgument {}

extension KernelVersion: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
