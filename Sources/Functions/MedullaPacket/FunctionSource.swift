import Foundation
import MedullaDatapath
import MedullaKernel

/// A custom function's source: one `.bpf.c` file that includes `medulla.bpf.h`.
///
/// Compiled for a shape it becomes a program of a bundle, by the name of its file.
package struct FunctionSource: Sendable, Equatable {
  static let ending = ".bpf.c"
  /// Switches off the checks of sizes in the headers, so that a program that fails them can say what it is
  /// for.
  private static let uncheckedOptions = ["-DMEDULLA_UNCHECKED", "-Wno-error"]

  /// Of the program in a bundle.
  package let name: String
  package let text: String

  /// - Throws: `badFunction` for a file name that cannot be a program's, and for a text that is too long.
  package init(fileName: String, text: String) throws(DatapathError) {
    let name = String(fileName.dropLast(Self.ending.count))
    guard fileName.hasSuffix(Self.ending), Self.isName(name) else {
      throw DatapathError(
        .badFunction, "\(fileName) is no name of a function's source",
        remedy: "call it NAME\(Self.ending), with letters, digits, - and _ in NAME")
    }
    guard EmbeddedSources.headers[fileName] == nil, name != Dispatcher.source.name else {
      throw DatapathError(
        .badFunction, "\(fileName) has the name of a file of ours", remedy: "give it another name")
    }
    guard text.utf8.count <= CompiledPrograms.sourceByteLimit else {
      throw DatapathError(
        .badFunction,
        "\(fileName) has \(text.utf8.count) bytes, more than \(CompiledPrograms.sourceByteLimit)")
    }
    (self.name, self.text) = (name, text)
  }

  package init(contentsOf path: String) throws(DatapathError) {
    guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else {
      throw DatapathError(.badFunction, "there is no file \(path)")
    }
    guard size <= CompiledPrograms.sourceByteLimit,
      let text = try? String(contentsOfFile: path, encoding: .utf8)
    else {
      throw DatapathError(
        .badFunction, "\(path) is no C source",
        remedy: "give a .bpf.c file of at most \(CompiledPrograms.sourceByteLimit) bytes")
    }
    try self.init(fileName: URL(fileURLWithPath: path).lastPathComponent, text: text)
  }

  package static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        let scalar = Character(UnicodeScalar(byte))
        return scalar.isASCII && (scalar.isLetter || scalar.isNumber || byte == 0x2d || byte == 0x5f)
      }
  }

  package var fileName: String { name + Self.ending }

  package var program: ProgramSource { ProgramSource(name: name, inputs: .given, files: [fileName: text]) }

  /// Compiles it for the snapshot's shape, and checks it against the snapshot's sizes.
  ///
  /// - Throws: `wrongShape` with both sizes, `badFunction` when it registers nothing, `KernelError` from the
  ///   compiler.
  package func object(for snapshot: DatapathSnapshot, compiler: BPFCompiler) throws -> [UInt8] {
    let header = try snapshot.header
    do {
      let bytes = try program.object(header: header, compiler: compiler)
      try registration(of: bytes).check(snapshot, file: fileName)
      return bytes
    } catch let error as KernelError where error.code == .compilation {
      if let bytes = try? program.object(
        header: header, compiler: compiler, options: Self.uncheckedOptions),
        let registration = try? registration(of: bytes)
      {
        try registration.check(snapshot, file: fileName)
      }
      throw error
    }
  }

  private func registration(of bytes: [UInt8]) throws -> FunctionRegistration {
    try FunctionRegistration(in: BPFObject(bytes: bytes, name: "function"), file: fileName)
  }
}
