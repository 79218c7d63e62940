import Foundation
import Testing

@testable import MedullaDatapath

@Suite("the programs of a bundle")
struct CompiledProgramsTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "medulla-\(UUID().uuidString)")

  private func inFolder(_ body: () throws -> Void) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body()
  }

  @Test("what is written is read, a function's source too")
  func whole() throws {
    try inFolder {
      let objects = [
        "query": CompiledProgram(bytes: [1, 2, 3], sources: "ab"),
        "mine": CompiledProgram(bytes: [4], sources: "cd", text: "// C\n"),
      ]
      try CompiledPrograms.write(objects, to: folder)
      #expect(try CompiledPrograms.read(from: folder.path) == objects)
    }
  }

  @Test("a file that cannot be written is an error with its path and why, in our own words")
  func unwritable() throws {
    let objects = ["query": CompiledProgram(bytes: [1], sources: "ab")]
    let absent = #expect(throws: DatapathError.self) { try CompiledPrograms.write(objects, to: folder) }
    #expect(absent?.code == .badBundle)
    #expect(absent?.message == "\(folder.path)/query.bpf.o cannot be written")
    #expect(absent?.cause == "No such file or directory", "\(absent?.cause ?? "")")
    try inFolder {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("query.bpf.o"), withIntermediateDirectories: false)
      let taken = #expect(throws: DatapathError.self) { try CompiledPrograms.write(objects, to: folder) }
      #expect(taken?.cause == "Is a directory", "\(taken?.cause ?? "")")
    }
  }

  @Test("a list that is damaged, and a file of it that is missing, are refused with their paths")
  func damaged() throws {
    try inFolder {
      let list = folder.appendingPathComponent(CompiledPrograms.sourcesName)
      for line in ["x", "ab  ../query.bpf.o", "ab  query.o"] {
        try Data((line + "\n").utf8).write(to: list)
        let error = #expect(throws: DatapathError.self) { try CompiledPrograms.read(from: folder.path) }
        #expect(error?.code == .badBundle && error?.message.contains(list.path) == true)
      }
      try Data("ab  query.bpf.o\n".utf8).write(to: list)
      let missing = #expect(throws: DatapathError.self) { try CompiledPrograms.read(from: folder.path) }
      #expect(missing?.message == "\(folder.path)/query.bpf.o cannot be read")
    }
  }
}
