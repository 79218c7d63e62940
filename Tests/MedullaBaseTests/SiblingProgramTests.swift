import Foundation
import MedullaBase
import Testing

@Suite("Programs that lie beside each other")
struct SiblingProgramTests {
  @Test("a program is found beside the other's real place, also through a link, and only when it can be run")
  func beside() throws {
    let folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("medulla-siblings-\(UUID())")
    let (bin, elsewhere) = (folder.appendingPathComponent("bin"), folder.appendingPathComponent("elsewhere"))
    for each in [bin, elsewhere] {
      try FileManager.default.createDirectory(at: each, withIntermediateDirectories: true)
    }
    defer { try? FileManager.default.removeItem(at: folder) }
    let (own, other) = (bin.appendingPathComponent("own"), bin.appendingPathComponent("other"))
    try Data().write(to: own)
    try Data().write(to: other)
    let link = elsewhere.appendingPathComponent("link")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: own)

    let error = #expect(throws: SiblingProgramError.self) {
      try SiblingProgram.path("other", beside: own.path)
    }
    #expect(error?.code == .missing)
    #expect(error?.message.contains(bin.path) == true)
    #expect(error?.remedy.contains("make build") == true)

    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: other.path)
    #expect(try SiblingProgram.path("other", beside: own.path) == other.path)
    #expect(try SiblingProgram.path("other", beside: link.path) == other.path)
  }

  @Test("the running program is where the kernel says it is")
  func running() throws {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let name = URL(fileURLWithPath: own).lastPathComponent
    #expect(try SiblingProgram.path(name) == own)
  }
}
