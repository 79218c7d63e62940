import Testing

@testable import MedullaKernel

@Suite("Where pins are seen")
struct MountViewTests {
  typealias File = BPFFileSystem.MountView.File

  static let host = File(device: 1, number: 10)
  static let other = File(device: 1, number: 11)
  static let pins = File(device: 2, number: 1)
  static let private_ = File(device: 3, number: 1)

  @Test(
    "pins are hidden only from a mount namespace of its own with a file system of its own",
    arguments: [
      ("the host", host, host, pins, pins, false),
      ("a service or `unshare -m`: the host's file system", other, host, pins, pins, false),
      ("`ip netns exec`: another one", other, host, private_, pins, true),
      ("`ip netns exec` where the host has none", other, host, private_, nil, true),
      ("a container: its first process is in it", other, other, private_, private_, false),
      ("nothing may be known", other, nil, private_, nil, false),
    ] as [(String, File?, File?, File?, File?, Bool)])
  func views(name: String, own: File?, first: File?, here: File?, there: File?, hides: Bool) {
    let view = BPFFileSystem.MountView(own: own, first: first, here: here, there: there)
    #expect(view.hidesPins == hides, "\(name)")
  }
}
