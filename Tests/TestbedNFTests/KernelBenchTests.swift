import MedullaEngines
import MedullaNF
import TestbedCases
import Testing

@testable import TestbedLink
@testable import TestbedNF

/// Benches at their smallest: that each measures something, and leaves nothing.
@Suite(
  "Benches of network functions", .serialized,
  .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
struct KernelBenchTests {
  private static let effort = ForwardEffort(sliceSeconds: 0.05, slices: 1, paceSeconds: 0.05)

  @Test("frames go through XDP alone and through one and two functions, released or sent")
  func forward() throws {
    let bench = try ForwardBench(executable: TestHost.lab)
    defer { bench.remove() }
    for isSent in [false, true] {
      for forwarder in [Forwarder.kernel, .functions(1, ownRings: true), .functions(2, ownRings: false)] {
        let rate = try bench.rate(forwarder, bytes: 256, isSent: isSent, Self.effort)
        #expect(rate.received > 0 && rate.received <= rate.sent, "\(forwarder), \(isSent)")
        #expect((rate.latency != nil) == (forwarder != .kernel))
      }
    }
  }

  @Test("a frame of the bench is a whole datagram of its size")
  func frame() {
    let frame = ForwardBench.frame(bytes: 512)
    #expect(frame.count == 512)
    #expect(Int(frame[16]) << 8 | Int(frame[17]) == 512 - 14)
    #expect(Int(frame[36]) << 8 | Int(frame[37]) == ForwardBench.port)
    #expect(Int(frame[38]) << 8 | Int(frame[39]) == 512 - 34)
  }

  @Test(
    "images are answered one after another by a chain, by each policy's bytes, and behind a socket",
    .enabled(if: (try? EngineList.named("onnxruntime"))?.obstacle == nil, "no engine of models"))
  func images() throws {
    let bytes = 20_000
    let network = try TransferNetwork(bytes: bytes)
    let bench = try ImageBench(model: network.path, of: network, imageBytes: bytes, threads: 1)
    defer { bench.remove() }
    for receiver in [ImageReceiver.chain(.pull, isCutThrough: true, .sleep), .socket] {
      let times = try bench.times(receiver, packetBytes: 1_000, images: 3, warmUps: 1)
      #expect(times.count == 3)
      #expect(times.allSatisfy { $0.total > 0 && $0.total >= $0.compute })
    }
  }

  @Test(
    "objects one after another are answered rightly, and their latency is told",
    .enabled(if: (try? EngineList.named("onnxruntime"))?.obstacle == nil, "no engine of models"))
  func overload() throws {
    let network = try TransferNetwork(bytes: 20_000)
    let bench = try OverloadBench(model: network.path, of: network, imageBytes: 20_000)
    defer { bench.remove() }
    let alone = try bench.run(perSecond: nil, bound: 100, seconds: 0.5)
    #expect(alone.answered > 0 && alone.wrong == 0 && alone.goodput > 0)
    #expect(alone.p50 <= alone.p99)
  }
}
