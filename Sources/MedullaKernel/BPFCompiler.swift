import CLibBPF
import Foundation

/// Compiles eBPF C to CO-RE objects that are the same bytes wherever and whenever they are made.
package struct BPFCompiler: Sendable {
  package let clang: ClangInstallation
  /// What its objects are made of.
  package let instructions: InstructionSet

  /// - Parameter kernel: the oldest that its objects are for; nil: one of today.
  /// - Throws: `KernelError` of code `toolchain` when no clang is new enough.
  package init(for kernel: KernelVersion? = .running) throws(KernelError) {
    try self.init(clang: .find(), for: kernel)
  }

  init(clang: ClangInstallation, for kernel: KernelVersion?) {
    self.init(clang, min(.best(for: kernel), clang.instructions))
  }

  private init(_ clang: ClangInstallation, _ instructions: InstructionSet) {
    (self.clang, self.instructions) = (clang, instructions)
  }

  /// One whose objects are made of no more than these.
  package func limited(to most: InstructionSet) -> BPFCompiler {
    BPFCompiler(clang, min(instructions, most))
  }

  /// Compiles one source.
  ///
  /// - Parameters:
  ///   - source: the name of the file to compile, one of `files`.
  ///   - files: every file that the source includes by `#include "name"`, by name.
  ///   - options: further compiler options, such as `-DNAME=1`.
  /// - Returns: the ELF object, with BTF and without DWARF.
  package func object(
    source: String, files: [String: String], options: [String] = []
  ) throws(KernelError) -> [UInt8] {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-bpf-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try Self.write(files, to: directory)
    // Relative names and a fixed compile directory keep this machine's paths out of the object.
    let arguments =
      [
        "-target", "bpf", "-mcpu=\(instructions.rawValue)", "-O2", "-g", "-std=gnu11", "-Wall", "-Werror",
        "-fno-ident",
        "-fdebug-compilation-dir=.", "-ffile-prefix-map=\(directory.path)=.", "-I.",
      ] + Self.headerOptions + options + ["-c", source, "-o", "compiled.o"]
    let run = try ToolRun.run(clang.path, arguments, directory: directory.path)
    guard run.status == 0 else { throw Self.compilationError(source: source, messages: run.standardError) }
    let linked = directory.appendingPathComponent("linked.o").path
    try Self.dropDebugInformation(
      from: directory.appendingPathComponent("compiled.o").path, to: linked, source: source)
    do {
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: linked)))
    } catch {
      throw KernelError(.toolchain, "read the object of \(source)", cause: "\(error)")
    }
  }

  static func write(_ files: [String: String], to directory: URL) throws(KernelError) {
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      for (name, text) in files {
        guard !name.contains("/") else {
          throw KernelError(.invalid, "source name \(name) is a path", remedy: "give a plain file name")
        }
        try Data(text.utf8).write(to: directory.appendingPathComponent(name))
      }
    } catch let error as KernelError {
      throw error
    } catch {
      throw KernelError(.system, "write sources to \(directory.path)", cause: "\(error)")
    }
  }

  /// Where `bpf/bpf_helpers.h` and the kernel's user-space headers are, after clang's own.
  private static var headerOptions: [String] {
    let architectures = ["x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu"]
    let directories = ["/usr/include"] + architectures.map { "/usr/include/" + $0 }
    return directories.filter(BPFFileSystem.isDirectory).flatMap { ["-idirafter", $0] }
  }

  /// libbpf's static linker keeps BTF and drops DWARF, and needs no tool beside clang.
  private static func dropDebugInformation(
    from input: String, to output: String, source: String
  ) throws(KernelError) {
    let (status, log) = LibBPFLog.capture { () -> Int32 in
      guard let linker = bpf_linker__new(output, nil) else { return -errno }
      defer { bpf_linker__free(linker) }
      let added = bpf_linker__add_file(linker, input, nil)
      return added == 0 ? bpf_linker__finalize(linker) : added
    }
    guard status == 0 else {
      throw .system("link the object of \(source)", number: status, detail: BPFObject.lastLine(log) ?? "")
    }
  }

  static func compilationError(source: String, messages: String) -> KernelError {
    let lines = messages.split(separator: "\n").map(String.init)
    let first = lines.first { $0.contains("error:") } ?? lines.first ?? "clang gave no message"
    let missing = first.contains("bpf/bpf_helpers.h") || first.contains("linux/")
    return KernelError(
      missing ? .toolchain : .compilation, "compile \(source)", cause: first,
      remedy: missing ? "install libbpf-dev and linux-libc-dev (`make setup` does)" : "")
  }
}
