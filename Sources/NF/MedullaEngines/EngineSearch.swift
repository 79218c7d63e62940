import Foundation
import MedullaBase

/// A library that an engine opens at run time.
package struct EngineLibrary: Sendable {
  /// What people call it.
  let title: String
  /// The environment's variable that names it: a file, or the folder that has it.
  let variable: String
  /// As the dynamic linker finds it.
  let names: [String]
  /// How the file's name begins, in a folder.
  let prefix: String
  /// The folder of Python's package that carries it.
  let package: String
  let remedy: String

  package init(
    title: String, variable: String, names: [String], prefix: String, package: String, remedy: String
  ) {
    (self.title, self.variable, self.names) = (title, variable, names)
    (self.prefix, self.package, self.remedy) = (prefix, package, remedy)
  }
}

/// Where libraries of engines are looked for.
///
/// What the environment names is taken, or an error; else the dynamic linker's path, then the package of the
/// Python that MEDULLA_PYTHON names, or of the environment that `make setup` makes.
package struct EngineSearch: Sendable {
  private let environment: [String: String]
  /// Where `.venv` is looked for.
  private let folders: [String]

  package init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    folders: [String] = EngineSearch.ownFolders
  ) {
    self.environment = environment
    self.folders = folders
  }

  /// The working directory, and the one above this program's.
  package static var ownFolders: [String] {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let above = URL(fileURLWithPath: program).deletingLastPathComponent().deletingLastPathComponent().path
    return [FileManager.default.currentDirectoryPath, above]
  }

  /// - Returns: the library's handle, which is never closed: its threads may outlive what it is used for.
  package func open(_ library: EngineLibrary) throws(EngineError) -> (
    handle: UnsafeMutableRawPointer, path: String
  ) {
    let named = environment[library.variable] ?? ""
    let tried = named.isEmpty ? library.names + packaged(library) : files(named, library)
    var said: [String] = []
    for path in tried {
      if let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) { return (handle, path) }
      said.append(dlerror().map { String(cString: $0) } ?? path)
    }
    guard named.isEmpty else {
      throw EngineError(
        .unavailable, "\(library.variable) names \(named), which cannot be opened as \(library.title)",
        cause: said.last ?? "no \(library.prefix) is there",
        remedy: "name the library's file or its folder")
    }
    throw EngineError(
      .unavailable, "\(library.title) is not on this machine",
      cause: said.last { !$0.contains("cannot open shared object file") } ?? "", remedy: library.remedy,
      log: said.joined(separator: "\n"))
  }

  /// The files that a path stands for: itself, or those of the library in it.
  private func files(_ path: String, _ library: EngineLibrary) -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return [path]
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasPrefix(library.prefix) }.sorted().map { "\(path)/\($0)" }
  }

  /// The library's files in packages of Python.
  private func packaged(_ library: EngineLibrary) -> [String] {
    package(library.package).flatMap { files($0, library) }
  }

  /// The folders of a package in the Python environments that are meant here, by a path such as
  /// `onnxruntime/capi`.
  package func package(_ path: String) -> [String] {
    pythonPrefixes.flatMap { prefix in
      ["lib", "lib64"].flatMap { (library: String) -> [String] in
        let folder = "\(prefix)/\(library)"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return versions.filter { $0.hasPrefix("python3") }.sorted().flatMap { version in
          ["site-packages", "dist-packages"].map { "\(folder)/\(version)/\($0)/\(path)" }
        }
      }
    }.filter { FileManager.default.fileExists(atPath: $0) }
  }

  /// What `bin/python3` lies in: of an environment, not of what its interpreter links to.
  private var pythonPrefixes: [String] {
    guard let named = environment["MEDULLA_PYTHON"], !named.isEmpty else {
      return folders.map { "\($0)/.venv" }
    }
    let path = named.contains("/") ? named : onPath(named) ?? named
    return [URL(fileURLWithPath: path).deletingLastPathComponent().deletingLastPathComponent().path]
  }

  private func onPath(_ program: String) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
