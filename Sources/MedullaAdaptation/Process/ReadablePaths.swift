import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// What an adapter's process may read by default: programs and libraries of the system, its own code, what
/// its command names.
enum ReadablePaths {
  static let system = [
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/ld.so.preload",
    "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/timezone", "/etc/passwd", "/etc/group",
    "/etc/nsswitch.conf", "/etc/alternatives", "/etc/perl", "/etc/python3",
  ]
  /// A script may be run by a script; deeper chains are no one's habit.
  private static let interpreterDepth = 4
  private static let firstLineBytes = 256

  /// A program as `execvp` finds it: with a slash it is a path, else it is looked up on PATH.
  static func program(_ name: String, path: String) -> String? {
    if name.contains("/") { return name }
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// - Parameter states: the directory of all adapters' states, which none of the paths opens.
  static func all(
    _ settings: ProcessSettings, program: String, environment: [String: String], states: String
  ) -> [String] {
    var paths = system + code(of: program, environment: environment)
    paths += (environment["PYTHONPATH"] ?? "").split(separator: ":").map(String.init)
    if let directory = settings.directory { paths.append(directory) }
    // A script is an argument of its interpreter.
    paths += settings.command.dropFirst().filter { $0.hasPrefix("/") && isFile($0) }
    paths += settings.isolation.reads
    var seen: Set<String> = []
    return paths.filter { !$0.isEmpty && seen.insert($0).inserted }
      .flatMap { around(resolved(states), in: $0) }
  }

  /// A path without a directory that lies in it: the other entries on the way, and the names of all.
  static func around(_ states: String, in path: String) -> [String] {
    let place = resolved(path)
    guard states == place || states.hasPrefix(place == "/" ? "/" : place + "/") else { return [path] }
    guard states != place else { return [] }
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
    let base = place == "/" ? "" : place
    return [base + "/"] + entries.sorted().flatMap { around(states, in: base + "/" + $0) }
  }

  /// The folders of a program and of what interprets it.
  static func code(of program: String, environment: [String: String]) -> [String] {
    var paths: [String] = []
    var next: String? = program
    for _ in 0..<interpreterDepth {
      guard let current = next else { break }
      for path in [current, resolved(current)] { paths += folders(of: path) }
      next = interpreter(of: current, path: environment["PATH"] ?? "")
    }
    return paths
  }

  private static func folders(of program: String) -> [String] {
    let folder = (program as NSString).deletingLastPathComponent
    guard folder != "/", !folder.isEmpty else { return [program] }
    let prefix = (folder as NSString).deletingLastPathComponent
    // Of an interpreter of Python all that is installed beside it; of others not, because beside `bin` may be
    // somebody's home.
    guard (folder as NSString).lastPathComponent == "bin", prefix != "/", isPrefixOfPython(prefix) else {
      return [folder]
    }
    return [prefix]
  }

  private static func isPrefixOfPython(_ path: String) -> Bool {
    if isFile(path + "/pyvenv.cfg") { return true }
    let libraries = (try? FileManager.default.contentsOfDirectory(atPath: path + "/lib")) ?? []
    return libraries.contains { $0.hasPrefix("python3") }
  }

  /// What the first line of a script names; `env` looks it up.
  private static func interpreter(of path: String, path search: String) -> String? {
    guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? handle.close() }
    guard let bytes = try? handle.read(upToCount: firstLineBytes), bytes.starts(with: Array("#!".utf8))
    else { return nil }
    let line = String(decoding: bytes.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let first = words.first else { return nil }
    guard first.hasSuffix("/env"), words.count > 1 else { return first }
    return program(words[1], path: search)
  }

  private static func resolved(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }

  private static func isFile(_ path: String) -> Bool {
    var facts = stat()
    return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
  }
}
