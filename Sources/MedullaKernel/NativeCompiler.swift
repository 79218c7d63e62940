import Foundation

/// Compiles C for the processor that this runs on.
package struct NativeCompiler: Sendable {
  package let clang: ClangInstallation

  package init(clang: ClangInstallation) {
    self.clang = clang
  }

  /// Makes a shared object.
  ///
  /// - Returns: its path, in the temporary directory; the caller removes it.
  package func sharedObject(
    source: String, files: [String: String], options: [String]
  ) throws(KernelError) -> String {
    try compile(source, files, options + ["-fPIC", "-shared"], ending: ".so")
  }

  /// Makes a program.
  ///
  /// - Returns: its path, in the temporary directory; the caller removes it.
  package func program(
    source: String, files: [String: String], options: [String]
  ) throws(KernelError) -> String {
    try compile(source, files, options, ending: ".program")
  }

  private func compile(
    _ source: String, _ files: [String: String], _ options: [String], ending: String
  ) throws(KernelError) -> String {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-native-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try BPFCompiler.write(files, to: directory)
    let output = directory.path + ending
    let arguments = options + ["-std=gnu11", "-Wall", "-Werror", "-I.", source, "-o", output]
    let run = try ToolRun.run(clang.path, arguments, directory: directory.path)
    guard run.status == 0 else {
      throw BPFCompiler.compilationError(source: source, messages: run.standardError)
    }
    return output
  }
}
