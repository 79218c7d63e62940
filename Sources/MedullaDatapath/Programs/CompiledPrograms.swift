import Foundation

/// The compiled programs of a bundle, in its folder of programs.
///
/// Beside the objects `sources.sha256` has a line for each, as `sha256sum` writes them: the digest of what it
/// was compiled from, two spaces, the object's name. A function of the user's own has its source there too.
package enum CompiledPrograms {
  package static let sourcesName = "sources.sha256"
  /// An object file may have this many bytes; eBPF programs are far smaller.
  static let objectByteLimit = 64 << 20
  /// A source of a user's own function may have this many bytes.
  package static let sourceByteLimit = 256 << 10
  /// Programs that a bundle may have.
  static let programLimit = 64

  /// Writes each object under its program's name into `directory`, which must exist.
  ///
  /// - Throws: `badBundle` with the file that cannot be written and why.
  package static func write(
    _ objects: [String: CompiledProgram], to directory: URL
  ) throws(DatapathError) {
    var lines = ""
    for (name, object) in objects.sorted(by: { $0.key < $1.key }) {
      let file = ProgramSource.objectName(name)
      try write(Data(object.bytes), to: directory.appendingPathComponent(file))
      if let text = object.text {
        try write(Data(text.utf8), to: directory.appendingPathComponent(ProgramSource.sourceName(name)))
      }
      lines += "\(object.sources)  \(file)\n"
    }
    try write(Data(lines.utf8), to: directory.appendingPathComponent(sourcesName))
  }

  /// By the system's calls: Foundation's error has no reason in it.
  private static func write(_ data: Data, to file: URL) throws(DatapathError) {
    guard let stream = fopen(file.path, "we") else { throw unwritable(file, errno) }
    let written = data.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stream) }
    let reason = errno
    // What is still kept may find no room when it is closed.
    guard fclose(stream) == 0 else { throw unwritable(file, errno) }
    guard written == data.count else { throw unwritable(file, reason) }
  }

  private static func unwritable(_ file: URL, _ number: Int32) -> DatapathError {
    DatapathError(
      .badBundle, "\(file.path) cannot be written", cause: String(cString: strerror(number)),
      remedy: "check that its directory is writable and has room")
  }

  /// By the programs' names.
  ///
  /// - Throws: `badBundle` for a list that is damaged, and for a file of it that cannot be read.
  package static func read(from directory: String) throws(DatapathError) -> [String: CompiledProgram] {
    let list = directory + "/" + sourcesName
    // A bundle of a network that is too large for programs has none.
    guard FileManager.default.fileExists(atPath: list) else { return [:] }
    var objects: [String: CompiledProgram] = [:]
    let lines = String(decoding: try bytes(of: list, limit: sourceByteLimit), as: UTF8.self)
    for line in lines.split(separator: "\n") {
      let parts = line.split(separator: " ", omittingEmptySubsequences: true)
      guard parts.count == 2, parts[1].hasSuffix(".bpf.o"), !parts[1].contains("/"),
        objects.count < programLimit
      else {
        throw DatapathError(
          .badBundle, "\(list) is no list of programs", cause: String(line.prefix(80)),
          remedy: "compile the bundle again")
      }
      let name = String(parts[1].dropLast(".bpf.o".count))
      let source = directory + "/" + ProgramSource.sourceName(name)
      let isOwn = FileManager.default.fileExists(atPath: source)
      objects[name] = CompiledProgram(
        bytes: try bytes(of: directory + "/" + parts[1], limit: objectByteLimit), sources: String(parts[0]),
        text: isOwn ? String(decoding: try bytes(of: source, limit: sourceByteLimit), as: UTF8.self) : nil)
    }
    return objects
  }

  private static func bytes(of path: String, limit: Int) throws(DatapathError) -> [UInt8] {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw DatapathError(
        .badBundle, "\(path) cannot be read", cause: error.localizedDescription,
        remedy: "compile the bundle again")
    }
    guard data.count <= limit else {
      throw DatapathError(
        .badBundle, "\(path) has \(data.count) bytes, more than \(limit)",
        remedy: "compile the bundle again")
    }
    return [UInt8](data)
  }
}
