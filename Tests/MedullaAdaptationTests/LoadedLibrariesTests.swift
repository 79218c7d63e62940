import Foundation
import Testing

@testable import MedullaAdaptation

@Suite("Shared libraries that a process runs with")
struct LoadedLibrariesTests {
  @Test("folders are those of libraries, each once, but for what every process may read")
  func folders() {
    let maps = """
      55d0a0000000-55d0a0001000 r-xp 00000000 08:01 11 /opt/medulla/bin/medullad
      7f0000000000-7f0000001000 r-xp 00000000 08:01 12      /srv/swift/lib/libswiftCore.so
      7f0000002000-7f0000003000 r--p 00001000 08:01 12      /srv/swift/lib/libswiftCore.so
      7f0000004000-7f0000005000 r-xp 00000000 08:01 13      /usr/lib/x86_64-linux-gnu/libc.so.6
      7f0000006000-7f0000007000 r-xp 00000000 08:01 14      /srv/with space/libown.so.2
      7f0000008000-7f0000009000 rw-p 00000000 00:00 0                          [heap]
      7f000000a000-7f000000b000 rw-p 00000000 00:00 0
      7f000000c000-7f000000d000 r--s 00000000 08:01 15      /srv/data/some.sock
      """
    #expect(LoadedLibraries.folders(ofMaps: maps) == ["/srv/swift/lib", "/srv/with space"])
  }

  @Test("those of this process hold Swift's own library, or the system has it")
  func own() {
    let places = LoadedLibraries.folders + ["/usr/lib/swift/linux", "/usr/lib"]
    #expect(places.contains { FileManager.default.fileExists(atPath: $0 + "/libswiftCore.so") })
  }
}
