import Foundation
import MedullaKernel

/// A custom function's source: one `.bpf.c` file that includes `medulla.bpf.h`.
///
/// Its text is pinned with the instance, so that a network of another shape can bring a program of its own
/// later.
public struct FunctionProgram: Sendable, Equatable {
  public static let byteLimit = 256 << 10
  /// Switches off the checks of sizes in the headers, so that a program that fails them can say what it is
  /// for.
  private static let uncheckedOptions = ["-DMEDULLA_UNCHECKED", "-Wno-error"]

  /// The file's own name, for messages.
  public let fileName: String
  public let source: String

  public init(fileName: String, source: String) throws(DatapathError) {
    guard source.utf8.count <= Self.byteLimit else {
      throw DatapathError(
        .badFunction, "\(fileName) has \(source.utf8.count) bytes, more than \(Self.byteLimit)")
    }
    self.fileName = fileName
    self.source = source
  }

  public init(contentsOf path: String) throws {
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
  public func registration(for snapshot: DatapathSnapshot) throws -> FunctionRegistration {
    try compiled(for: snapshot).registration
  }

  /// Compiled for the snapshot's shape, checked against its sizes and the hook, and loaded.
  func load(
    _ snapshot: DatapathSnapshot, hook: FunctionHook, shared: SharedMaps.Origin
  ) throws -> (BPFObject, function: String) {
    let (object, registration) = try compiled(for: snapshot)
    guard object.programNames.contains(registration.name) else {
      let programs = object.programNames.filter { $0 != PinnedGeneration.liveProgram }
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
    try shared.give(to: object)
    try object.load()
    try snapshot.checkSlots(of: object)
    return (object, registration.name)
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
    var files = EmbeddedSources.files
    files["shape.h"] = snapshot.header
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

extension FunctionProgram {
  static func path(of name: InstanceName) -> String { AttachedInstance.path(of: name) + "/source" }

  /// The source that an instance was attached with.
  init(pinnedWith name: InstanceName) throws {
    let bytes = try BPFMap(pinned: Self.path(of: name)).bytes(at: 0)
    // The name, a zero, the text: neither holds a zero of its own.
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw DatapathError(
        .foreignVersion, "the source of \(name) cannot be read", remedy: "detach it and attach again")
    }
    try self.init(
      fileName: String(decoding: parts[0], as: UTF8.self), source: String(decoding: parts[1], as: UTF8.self))
  }

  func pin(with name: InstanceName) throws {
    let bytes = Array(fileName.utf8) + [0] + Array(source.utf8)
    try BPFMap(holding: bytes, name: "medulla_source").pin(at: Self.path(of: name))
  }
}
