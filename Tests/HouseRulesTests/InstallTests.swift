import Foundation
import Testing

/// `scripts/install.sh` under a DESTDIR, with empty files for programs.
@Suite("Installation")
struct InstallTests {
  /// A tree of ours with what the script takes, in a folder of its own.
  private func tree(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "medulla-install-\(UUID())"
    let files = FileManager.default
    defer { try? files.removeItem(atPath: folder) }
    try files.createDirectory(atPath: folder + "/bin", withIntermediateDirectories: true)
    for name in ["scripts", "systemd", "docs"] {
      try files.copyItem(atPath: SourceTree.root.path + "/" + name, toPath: "\(folder)/\(name)")
    }
    try files.createDirectory(atPath: folder + "/Sources", withIntermediateDirectories: true)
    try files.copyItem(
      atPath: SourceTree.root.path + "/Sources/CMedullaNF", toPath: folder + "/Sources/CMedullaNF")
    for name in ["medulla", "medullad", "medulla-lab", "libmedulla_nf.so", "nf_demux.bpf.o"] {
      try Data().write(to: URL(fileURLWithPath: "\(folder)/bin/\(name)"))
    }
    try body(folder)
  }

  private func install(_ folder: String, _ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["DESTDIR=\(folder)/stage", "bash", "\(folder)/scripts/install.sh"] + arguments
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  private func contents(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder + "/stage").sorted()
  }

  @Test("what was removed leaves no folder that was made, however often it was installed")
  func removed() throws {
    try tree { folder in
      try install(folder, "/opt/medulla")
      #expect(try contents(folder).contains("opt/medulla/bin/medulla"))
      // It is built only where DPDK is.
      #expect(try !contents(folder).contains("opt/medulla/lib/libmedulla_dpdk.so"))
      try Data().write(to: URL(fileURLWithPath: "\(folder)/bin/libmedulla_dpdk.so"))
      #expect(try contents(folder).contains("opt/medulla/share/doc/medulla/use/daemon.md"))
      try install(folder, "/opt/medulla")
      #expect(try contents(folder).contains("opt/medulla/lib/libmedulla_dpdk.so"))
      try install(folder, "--remove", "/opt/medulla")
      #expect(try contents(folder).isEmpty)
    }
  }

  @Test("folders that were there, and those with something else in them, stay")
  func kept() throws {
    try tree { folder in
      let files = FileManager.default
      try files.createDirectory(atPath: folder + "/stage/usr/local/bin", withIntermediateDirectories: true)
      try install(folder, "/usr/local")
      try Data().write(to: URL(fileURLWithPath: folder + "/stage/usr/lib/systemd/system/other.service"))
      try install(folder, "--remove", "/usr/local")
      #expect(
        try contents(folder) == [
          "usr", "usr/lib", "usr/lib/systemd", "usr/lib/systemd/system",
          "usr/lib/systemd/system/other.service", "usr/local", "usr/local/bin",
        ])
    }
  }
}
