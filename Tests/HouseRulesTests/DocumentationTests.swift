import Foundation
import Testing

/// What documents and sources name of each other exists.
@Suite("Documents")
struct DocumentationTests {
  static let documents: [String] =
    ["README.md", "ARCHITECTURE.md", "HACKING.md", "CHANGELOG.md"]
    + ((try? ["docs", "examples", "models", "python"].flatMap {
      try SourceTree.files(in: $0, endings: [".md"]).map(\.path)
    }) ?? [])

  @Test(
    "every relative link of a document leads somewhere, and none holds a place for later",
    arguments: documents)
  func links(document: String) throws {
    let file = SourceTree.root.appendingPathComponent(document)
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(!text.contains("CAPTURE"))
    for part in text.components(separatedBy: "](").dropFirst() {
      let target = part.prefix { $0 != ")" && $0 != "#" && !$0.isWhitespace }
      guard !target.isEmpty, !target.contains("://") else { continue }
      let path = file.deletingLastPathComponent().appendingPathComponent(String(target)).path
      #expect(FileManager.default.fileExists(atPath: path), "\(document) links \(target)")
    }
  }

  @Test("every path below docs/ that a source, a script, an example or a document names exists")
  func paths() throws {
    let pattern = /(?:^|[^\w\/.-])(docs\/[A-Za-z0-9_\/.-]*[A-Za-z0-9])/.anchorsMatchLineEndings()
    let endings = [".swift", ".c", ".h", ".sh", ".py", ".pl", ".toml", ".yaml", ".service", ".md"]
    let files = try ["Sources", "Tests", "scripts", "systemd", "examples", "python", "docs", "models"]
      .flatMap { try SourceTree.files(in: $0, endings: endings) }
    let own = try ["README.md", "ARCHITECTURE.md", "HACKING.md"].map {
      SourceTree.File(
        path: $0,
        text: try String(contentsOf: SourceTree.root.appendingPathComponent($0), encoding: .utf8))
    }
    var named = 0
    for file in files + own where !file.isGenerated && !file.path.hasSuffix("DocumentationTests.swift") {
      for match in file.text.matches(of: pattern) {
        let path = String(match.1)
        named += 1
        #expect(
          FileManager.default.fileExists(atPath: SourceTree.root.appendingPathComponent(path).path),
          "\(file.path) names \(path)")
      }
    }
    #expect(named > 20, "the pattern finds what is named")
  }

  @Test("each page of results is in their index, and documents lie in one of the five folders")
  func layout() throws {
    let index = try String(
      contentsOf: SourceTree.root.appendingPathComponent("docs/results/README.md"), encoding: .utf8)
    for page in try SourceTree.files(in: "docs", endings: [".md"]) {
      let parts = page.path.split(separator: "/").map(String.init)
      #expect(parts.count == 3 && ["use", "reference", "internals", "results", "adr"].contains(parts[1]))
      if parts[1] == "results", let name = parts.last, name != "README.md" {
        #expect(index.contains("](\(name))"), "docs/results/README.md has no link to \(name)")
      }
    }
  }
}
