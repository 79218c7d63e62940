import Foundation
import MedullaCodegen
import MedullaSnapshot

extension DatapathSnapshot {
  /// An object file in a bundle may have this many bytes; eBPF programs are far smaller.
  static let objectByteLimit = 64 << 20

  /// A snapshot without compiled programs; they are compiled when they are needed.
  ///
  /// - Throws: `CodegenError` when the shape needs a program that the kernel would not load.
  public init(_ file: SnapshotFile, name: String) throws {
    try self.init(file, name: name, objects: [:], header: ProgramHeader(shape: file.snapshot.shape).text)
  }

  /// The snapshot of a bundle with the bundle's programs.
  ///
  /// Programs that another version compiled may read the image in another way or lack what this one expects:
  /// when the shape's header or our own sources have changed since, they are compiled again on use.
  public init(_ bundle: SnapshotBundle) throws {
    let header = try ProgramHeader(shape: bundle.snapshot.shape).text
    let stored = try? String(contentsOfFile: bundle.headerPath, encoding: .utf8)
    let sources = try? String(
      contentsOfFile: bundle.programsPath + "/" + BundlePrograms.sourcesName, encoding: .utf8)
    let isOfThisVersion = stored == header && sources == EmbeddedSources.digest + "\n"
    var objects: [DatapathFunction: [UInt8]] = [:]
    for function in DatapathFunction.allCases where isOfThisVersion {
      let path = bundle.programsPath + "/" + function.objectName
      guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else {
        continue
      }
      guard size <= Self.objectByteLimit else {
        throw DatapathError(
          .badBundle, "\(path) has \(size) bytes and cannot be a program", remedy: "compile the bundle again")
      }
      objects[function] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    let name = URL(fileURLWithPath: bundle.path).deletingPathExtension().lastPathComponent
    try self.init(bundle.file, name: name, objects: objects, header: header)
  }

  private init(
    _ file: SnapshotFile, name: String, objects: [DatapathFunction: [UInt8]], header: String
  ) throws {
    let snapshot = file.snapshot
    guard let digest = Self.bytes(hexadecimal: file.digest), digest.count == KernelLayout.Slot.digestBytes
    else {
      throw DatapathError(.badBundle, "\(name) has no proper digest", remedy: "compile the bundle again")
    }
    self.init(
      name: name, inputs: snapshot.shape.inputs, outputs: snapshot.shape.outputs, image: snapshot.image,
      digest: digest, header: header, objects: objects,
      featureFractionBits: snapshot.shape.featureFractionBits,
      outputFractionBits: snapshot.shape.outputFractionBits)
  }

  static func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = Array(text)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
