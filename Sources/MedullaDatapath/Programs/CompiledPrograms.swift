import Foundation

/// The compiled programs of a bundle, in its folder of programs.
///
/// Beside the objects `sources.sha256` has a line for each, as `sha256sum` writes them: the digest of what it
/// was compiled from, two spaces, the object's name.
package enum CompiledPrograms {
  package static let sourcesName = "sources.sha256"
  /// An object file may have this many bytes; eBPF programs are far smaller.
  static let objectByteLimit = 64 << 20
  /// Programs that a bundle may have.
  static let programLimit = 64

  /// Writes each object under its program's name into `directory`, which must exist.
  package static func write(_ objects: [String: CompiledProgram], to directory: URL) throws {
    var lines = ""
    for (name, object) in objects.sorted(by: { $0.key < $1.key }) {
      let file = ProgramSource.objectName(name)
      try Data(object.bytes).write(to: directory.appendingPathComponent(file))
      lines += "\(object.sources)  \(file)\n"
    }
    try Data(lines.utf8).write(to: directory.appendingPathComponent(sourcesName))
  }

  /// By the programs' names; one of which the file or the digest is missing is left out.
  static func read(from directory: String) throws -> [String: CompiledProgram] {
    let lines = try? String(contentsOfFile: directory + "/" + sourcesName, encoding: .utf8)
    var objects: [String: CompiledProgram] = [:]
    for line in (lines ?? "").split(separator: "\n").prefix(programLimit) {
      let parts = line.split(separator: " ", omittingEmptySubsequences: true)
      guard parts.count == 2, parts[1].hasSuffix(".bpf.o"), !parts[1].contains("/") else { continue }
      let path = directory + "/" + parts[1]
      guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else {
        continue
      }
      guard size <= objectByteLimit else {
        throw DatapathError(
          .badBundle, "\(path) has \(size) bytes and cannot be a program", remedy: "compile the bundle again")
      }
      objects[String(parts[1].dropLast(".bpf.o".count))] = CompiledProgram(
        bytes: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), sources: String(parts[0]))
    }
    return objects
  }
}
