import Foundation
import Glibc

/// A clang that can compile for the `bpf` target.
package struct ClangInstallation: Equatable, Sendable {
  /// The oldest clang whose eBPF code the project supports: it can ask whether types match.
  package static let oldestVersion = 16
  /// The newest version that is looked for by its versioned name.
  static let newestVersionedName = 25
  /// In which it must say its version.
  static let versionLimit: Duration = .seconds(30)

  package let path: String
  package let majorVersion: Int

  package init(path: String, majorVersion: Int) {
    self.path = path
    self.majorVersion = majorVersion
  }

  /// The best instructions that it knows, by trying: vendors number their versions in their own way.
  ///
  /// On a file of its own: there are containers whose `/dev/null` is a file that somebody has written to.
  package var instructions: InstructionSet {
    let source = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-\(UUID().uuidString).c")
    defer { try? FileManager.default.removeItem(at: source) }
    let arguments = ["-target", "bpf", "-mcpu=v4", "-fsyntax-only", source.path]
    guard (try? Data().write(to: source)) != nil, let run = try? ToolRun.run(path, arguments), run.status == 0
    else { return .v3 }
    return .v4
  }

  /// The Swift toolchain's clang, else the first on `PATH` that is new enough.
  ///
  /// - Parameter searchPath: directories, separated by colons.
  package static func find(
    searchPath: String = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
  ) throws(KernelError) -> ClangInstallation {
    let directories = searchPath.split(separator: ":").map(String.init)
    var candidates: [String] = []
    for directory in directories {
      guard let swift = resolved(directory + "/swift") else { continue }
      candidates.append(URL(fileURLWithPath: swift).deletingLastPathComponent().path + "/clang")
    }
    let versioned = stride(from: newestVersionedName, through: oldestVersion, by: -1).map { "clang-\($0)" }
    for directory in directories {
      for name in ["clang"] + versioned { candidates.append(directory + "/" + name) }
    }
    var unusable: [String] = []
    for path in candidates where access(path, X_OK) == 0 {
      let output: ToolRun
      do {
        output = try ToolRun.run(path, ["--version"], within: versionLimit)
      } catch {
        unusable.append(error.message)
        continue
      }
      guard output.status == 0, let version = majorVersion(of: output.standardOutput) else { continue }
      if version >= oldestVersion { return ClangInstallation(path: path, majorVersion: version) }
      unusable.append("\(path) is version \(version)")
    }
    throw KernelError(
      .toolchain, "no clang \(oldestVersion) or newer found",
      cause: unusable.joined(separator: ", "),
      remedy: "put the Swift toolchain's bin directory on PATH (it carries clang), or install clang-16")
  }

  /// The major version that `clang --version` states.
  static func majorVersion(of output: String) -> Int? {
    guard let range = output.range(of: "clang version ") else { return nil }
    return Int(output[range.upperBound...].prefix { $0.isNumber })
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
