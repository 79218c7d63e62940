import Foundation
import MedullaDatapath
import MedullaKernel

/// A custom function's source: one `.bpf.c` file that includes `medulla.bpf.h`.
///
/// Its text stays with the instance, so that a network of another shape can bring a program of its own later.
package struct FunctionProgram: Sendable, Equatable {
  package static let byteLimit = 256 << 10
  /// Switches off the checks of sizes in the headers, so that a program that fails them can say what it is
  /// for.
  private static let uncheckedOptions = ["-DMEDULLA_UNCHECKED", "-Wno-error"]

  /// The file's own name, for messages.
  package let fileName: String
  package let source: String

  package init(fileName: String, source: String) throws(DatapathError) {
    guard source.utf8.count <= Self.byteLimit else {
      throw DatapathError(
        .badFunction, "\(fileName) has \(source.utf8.count) bytes, more than \(Self.byteLimit)")
    }
    self.fileName = fileName
    self.source = source
  }

  package init(contentsOf path: String) throws {
    let file = URL(fileURLWithPath: path)
    guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else {
      throw DatapathError(.badFunction, "there is no file \(path)")
    }
    guard size <= Self.byteLimit, let text = try? String(contentsOf: file, encoding: .utf8) else {
      throw DatapathError(
        .badFunction, "\(path) is no C source",
        remedy: "give a .bpf.c file of at most \(Self.byteLimit) bytes")
    }
    try self.init(fileName: file.lastPathComponent, source: text)
  }

  /// What the source registers, checked against the snapshot's sizes.
  package func registration(for snapshot: DatapathSnapshot) throws -> FunctionRegistration {
    try compiled(for: snapshot).registration
  }

  /// Compiled for the snapshot's shape, and checked against its sizes and the hook.
  func compiled(
    for snapshot: DatapathSnapshot, at hook: FunctionHook
  ) throws -> (object: BPFObject, registration: FunctionRegistration) {
    let (object, registration) = try compiled(for: snapshot)
    guard object.programNames.contains(registration.name) else {
      let programs = object.programNames.filter { $0 != EmbeddedSources.liveProgram }
      throw DatapathError(
        .badFunction, "\(fileName) registers \(registration.name) but has no such program",
        remedy: "it has: \(programs.joined(separator: ", "))")
    }
    guard try object.kind(ofProgram: registration.name) == hook.programKind else {
      let section = hook.programKind == .xdp ? "xdp" : "tc"
      throw DatapathError(
        .badFunction, "\(registration.name) of \(fileName) is no program for \(hook)",
        remedy: "put it into SEC(\"\(section)\"), or give another hook")
    }
    return (object, registration)
  }

  private func compiled(
    for snapshot: DatapathSnapshot
  ) throws -> (object: BPFObject, registration: FunctionRegistration) {
    let compiler = try BPFCompiler()
    do {
      let object = try object(snapshot, compiler, options: [])
      let registration = try read(object)
      try registration.check(snapshot, file: fileName)
      return (object, registration)
    } catch let error as KernelError where error.code == .compilation {
      if let object = try? object(snapshot, compiler, options: Self.uncheckedOptions),
        let registration = try? read(object)
      {
        try registration.check(snapshot, file: fileName)
      }
      throw error
    }
  }

  private func object(
    _ snapshot: DatapathSnapshot, _ compiler: BPFCompiler, options: [String]
  ) throws -> BPFObject {
    var files = EmbeddedSources.headers
    files["shape.h"] = try snapshot.header
    guard files[fileName] == nil, !fileName.contains("/") else {
      throw DatapathError(
        .badFunction, "\(fileName) has the name of a file of ours", remedy: "give it another name")
    }
    files[fileName] = source
    let bytes = try compiler.object(source: fileName, files: files, options: options)
    return try BPFObject(bytes: bytes, name: "function")
  }

  private func read(_ object: BPFObject) throws -> FunctionRegistration {
    try FunctionRegistration(
      object.initialBytes(ofMap: FunctionRegistration.mapName), file: fileName)
  }
}
