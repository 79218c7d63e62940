import Foundation
import Testing

@Suite("House rules")
struct HouseRulesTests {
  static let lineLimit = 110
  static let fileLimit = 400
  static let functionLimit = 60

  @Test("no source file is longer than 400 lines, no line wider than 110 columns")
  func sizes() throws {
    for file in try sources() where !file.isGenerated {
      #expect(file.lines.count <= Self.fileLimit + 1, "\(file.path) has \(file.lines.count) lines")
      for (index, line) in file.lines.enumerated() {
        #expect(width(line) <= Self.lineLimit, "\(file.path):\(index + 1) is too wide")
      }
    }
  }

  @Test("no function is longer than 60 lines")
  func functions() throws {
    for file in try sources() where !file.isGenerated {
      let language: CodeText.Language = file.path.hasSuffix(".swift") ? .swift : .c
      for function in FunctionLengths(file.text, language).functions {
        #expect(
          function.lines <= Self.functionLimit,
          "\(file.path):\(function.line) \(function.name) has \(function.lines) lines")
      }
    }
  }

  @Test(
    "nothing in Sources can trap on outside input by a forced call",
    arguments: ["try!", "fatalError(", "as! ", "unsafelyUnwrapped"])
  func bannedCalls(call: String) throws {
    for file in try SourceTree.files(in: "Sources", endings: [".swift"]) where !file.isGenerated {
      for (index, line) in file.lines.enumerated() where line.contains(call) {
        Issue.record("\(file.path):\(index + 1) uses \(call)")
      }
    }
  }

  @Test("programs are started by ChildProgram: Foundation's Process needs a loopback that is up")
  func startedPrograms() throws {
    let call = try Regex(#"\b(Foundation\.Process|Process)\s*\("#)
    for file in try SourceTree.files(in: "Sources", endings: [".swift"]) where !file.isGenerated {
      for (index, line) in file.lines.enumerated() where line.contains(call) {
        Issue.record("\(file.path):\(index + 1) starts a program by Process")
      }
    }
  }

  @Test(
    "what leads into the kernel compiles nothing: only what makes bundles or measures asks for clang"
  )
  func compilers() throws {
    let allowed = [
      "Sources/MedullaKernel/", "Sources/MedullaCompile/", "Sources/MedullaRuntime/", "Sources/Testbed/",
      "Sources/Functions/MedullaCongestion/Benchmarks/",
      // A network of no bundle, in tests and the demonstration's measure.
      "Sources/MedullaDatapath/Inference/KernelInference.swift",
    ]
    for file in try SourceTree.files(in: "Sources", endings: [".swift"]) where !file.isGenerated {
      guard !allowed.contains(where: file.path.hasPrefix) else { continue }
      for (index, line) in file.lines.enumerated()
      where line.contains("BPFCompiler()") || line.contains("ClangInstallation.find") {
        Issue.record("\(file.path):\(index + 1) looks for a compiler")
      }
    }
  }

  @Test("names say what a thing is: no Manager, Helper, Utils, Impl")
  func names() throws {
    let vague = try Regex(#"\b(class|struct|enum|actor|protocol)\s+\w*(Manager|Helper|Utils|Util|Impl)\b"#)
    for file in try sources() {
      for (index, line) in file.lines.enumerated() where line.contains(vague) {
        Issue.record("\(file.path):\(index + 1) has a vague name: \(line)")
      }
    }
  }

  @Test("no leftover markers and no machine's own paths in tracked text")
  func leftovers() throws {
    let marker = try Regex("\\b(TO" + "DO|FIX" + "ME|XX" + "X|HA" + "CK)\\b")
    let path = try Regex("/(wo" + "rk|ro" + "ot|opt/sw" + "ift)/")
    let texts =
      try sources()
      + SourceTree.files(in: "docs", endings: [".md"]) + SourceTree.files(in: "scripts", endings: [".sh"])
    for file in texts {
      for (index, line) in file.lines.enumerated() {
        #expect(!line.contains(marker), "\(file.path):\(index + 1): \(line)")
        #expect(!line.contains(path), "\(file.path):\(index + 1): \(line)")
      }
    }
  }

  @Test("modules only import modules above them in the design's list")
  func arrows() throws {
    for file in try SourceTree.files(in: "Sources", endings: [".swift"]) {
      guard let module = ModuleOrder.module(of: file.path), let own = ModuleOrder.rank[module]
      else { continue }
      for line in file.lines where line.contains("import ") {
        guard let name = line.split(separator: " ").last.map(String.init), let other = ModuleOrder.rank[name]
        else { continue }
        #expect(other < own, "\(file.path) imports \(name), which is not above it")
      }
    }
  }

  @Test("every module in the order exists, and every module that exists is in the order")
  func orderIsComplete() throws {
    let files = try SourceTree.files(in: "Sources", endings: [".swift", ".c", ".h", ".modulemap"])
    #expect(Set(files.compactMap { ModuleOrder.module(of: $0.path) }) == Set(ModuleOrder.rank.keys))
  }

  @Test("C only includes C of its own module and of modules above it")
  func includes() throws {
    let files = try SourceTree.files(in: "Sources", endings: [".c", ".h"])
    let owners = Dictionary(
      files.map { ($0.path.split(separator: "/").last.map(String.init) ?? "", $0.path) },
      uniquingKeysWith: { first, _ in first })
    let include = try Regex(#"^\s*#\s*include\s+"([^"]+)""#, as: (Substring, Substring).self)
    for file in files {
      guard let own = ModuleOrder.module(of: file.path).flatMap({ ModuleOrder.rank[$0] }) else { continue }
      for line in file.lines {
        // Headers that are generated, such as `shape.h`, have no file.
        guard let name = line.firstMatch(of: include)?.output.1, let path = owners[String(name)],
          let other = ModuleOrder.module(of: path), other != ModuleOrder.module(of: file.path)
        else { continue }
        #expect(
          ModuleOrder.rank[other, default: .max] < own, "\(file.path) includes \(name) of \(other)")
      }
    }
  }

  @Test(
    "the core of datapath and slow path names no function",
    arguments: ["Sources/MedullaDatapath", "Sources/MedullaAdaptation"])
  func coreNamesNoFunction(module: String) throws {
    for file in try SourceTree.files(in: module, endings: [".swift", ".c", ".h"]) {
      for (index, line) in file.lines.enumerated() {
        #expect(!line.lowercased().contains("congestion"), "\(file.path):\(index + 1): \(line)")
      }
    }
  }

  @Test("C and eBPF files begin with their licence")
  func licences() throws {
    for file in try SourceTree.files(in: "Sources", endings: [".c", ".h"]) {
      let first = file.lines.first.map(String.init) ?? ""
      #expect(first.contains("SPDX-License-Identifier:"), "\(file.path) has no SPDX line")
      if file.path.hasSuffix(".bpf.c") {
        #expect(first.contains("GPL-2.0"), "\(file.path): eBPF programs are GPL-2.0")
      }
    }
  }

  @Test("every eBPF source is embedded in the product by the package")
  func noDeadPrograms() throws {
    let manifest = try String(
      contentsOf: SourceTree.root.appendingPathComponent("Package.swift"), encoding: .utf8)
    let files = try SourceTree.files(in: "Sources", endings: [".c", ".h"])
    for file in files where file.path.contains("/bpf/") {
      let name = file.path.split(separator: "/").last.map(String.init) ?? ""
      #expect(manifest.contains(name), "Package.swift does not name \(name)")
    }
  }

  private func sources() throws -> [SourceTree.File] {
    try ["Sources", "Tests"].flatMap {
      try SourceTree.files(in: $0, endings: [".swift", ".c", ".h"])
    }
  }

  /// Columns of a line, with tabs to the next multiple of eight.
  private func width(_ line: Substring) -> Int {
    var column = 0
    for character in line { column += character == "\t" ? 8 - column % 8 : 1 }
    return column
  }
}
