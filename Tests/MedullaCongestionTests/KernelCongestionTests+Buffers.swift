import DatapathCases
import Glibc
import Testing

@testable import MedullaCongestion
@testable import MedullaDatapath

/// What the kernel makes of the answers of a congestion control's callbacks.
extension KernelCongestionTests {
  /// `tcp_sndbuf_expand`: a full segment with all that the kernel keeps of it, at 1,448 bytes of payload.
  private static let segmentBytes = 2_304
  /// The smallest window that a send buffer is reckoned from.
  private static let leastWindow = 10
  private static let payload = 1_448

  private func sendBuffer(_ flow: TestFlow) -> Int {
    var size: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(flow.sender, SOL_SOCKET, SO_SNDBUF, &size, &length)
    return Int(size)
  }

  @Test("a flow whose end no program saw holds its slot only until a sweep recounts")
  func recounted() throws {
    let loopback = try SlowLoopback()
    try attached("rc") { name in
      let flow = try TestFlow(loopback, congestion: name.congestion)
      defer { flow.end() }
      flow.startSending()
      #expect(eventually { flow.sent > 100_000 })
      try Instance(name.text).pinned().shared().addCounted(1, on: Router.firstPin(of: 1))
      try Instance(name.text).update(KernelTestHost.policy(seed: 2).snapshot)
      #expect(try Instance(name.text).status().slots[0].flows == 2)
      #expect(try eventually(within: 5) { try Instance(name.text).sweep().slots[0].flows == 1 })
      flow.end()
      #expect(try eventually(within: 5) { try Instance(name.text).sweep().slots[0].flows == 0 })
    }
  }

  @Test("no send buffer of thirty flows is larger than their windows need, whoever runs when an ACK comes")
  func sendBuffers() throws {
    let loopback = try SlowLoopback(rate: "100mbit")
    // As on a machine with much memory; the window of a flow's start on this path takes 20 MB.
    _ = try loopback.output(["sysctl", "-qw", "net.ipv4.tcp_wmem=4096 16384 134217728"])
    try attached("sb") { name in
      let flows = try (0..<30).map { _ in try TestFlow(loopback, congestion: name.congestion) }
      defer { for flow in flows { flow.end() } }
      for flow in flows { flow.startSending() }
      usleep(4_000_000)
      let sizes = flows.map(sendBuffer)
      // The kernel once took the segment's payload for the number of windows.
      let wrong = Self.leastWindow * Self.segmentBytes * Self.payload
      #expect(sizes.allSatisfy { $0 < wrong }, "\(sizes.sorted())")
      #expect(sizes.contains { $0 > 50_000 })
    }
  }
}
