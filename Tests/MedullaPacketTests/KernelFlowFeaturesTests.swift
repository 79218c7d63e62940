import DatapathCases
import Foundation
import MedullaBase
import PacketCases
import Testing

@testable import MedullaFlows

/// The same frames through the kernel and through the reader of captures: the same bits after each.
@Suite(
  "features of flows in the kernel", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelFlowFeaturesTests {
  /// Idle as the programs are compiled.
  private static let idle = Duration.seconds(60)

  private func isSame(
    _ kernel: [UInt64]?, _ meter: FlowMeter, _ index: Int?, _ what: @autoclosure () -> String
  ) -> Bool {
    let reader = index.map { meter.flows[$0].features }
    guard kernel != reader else { return true }
    let names = zip(FlowFeature.all, zip(kernel ?? [], reader ?? [])).filter { $0.1.0 != $0.1.1 }
      .map { "\($0.0.name) \($0.1.0) in the kernel, \($0.1.1) of the capture" }
    Issue.record("\(what()): \(names.isEmpty ? "a flow in one of both only" : "\(names)")")
    return false
  }

  @Test(
    "every capture of Ethernet gives the same features at tc, at XDP and to the reader, packet by packet",
    .enabled(if: FileManager.default.fileExists(atPath: Self.folder), "no ../shared/data"),
    arguments: [false, true])
  func captures(xdp: Bool) throws {
    // One table for all captures, as all of them were seen by one instance.
    let bench = try FlowFeaturesBench(xdp: xdp)
    var meter = FlowMeter(idle: Self.idle)
    for file in try FileManager.default.contentsOfDirectory(atPath: Self.folder).sorted() {
      guard !file.hasSuffix(".txt"), let capture = try? CaptureFile(Self.folder + "/" + file),
        capture.link == .ethernet
      else { continue }
      var (seen, strange) = (0, 0)
      while let frame = try? capture.next(), seen < Self.framesEach, strange < 3 {
        let bytes = Array(frame.bytes)
        // The kernel takes whole frames of a page in a test run, of at least the headers.
        guard bytes.count == frame.length, bytes.count >= 54, bytes.count < 3_400 else { continue }
        seen += 1
        let kernel = try bench.features(after: bytes, at: frame.nanoseconds)
        let index = try meter.take(frame, of: .ethernet)
        strange += isSame(kernel, meter, index, "\(file), frame \(seen)") ? 0 : 1
      }
    }
    #expect(meter.counts.frames > 15_000 && meter.flows.count > 500)
  }

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/data/captures").standardizedFileURL.path
  /// Of each capture: a few large ones would else take most of the time.
  private static let framesEach = 200

  @Test(
    "made-up flows of every kind of frame give the same features in the kernel and to the reader",
    arguments: [false, true])
  func made(xdp: Bool) throws {
    let seed: UInt64 = 5
    var generator = SeededGenerator(seed: seed)
    let bench = try FlowFeaturesBench(xdp: xdp)
    var meter = FlowMeter(idle: Self.idle)
    var time: UInt64 = 1_600_000_000_000_000_000
    for step in 0..<4_000 {
      // Mostly milliseconds, now and then longer than an active time, than an idle one, or back.
      let kind = Int.random(in: 0..<40, using: &generator)
      let longest: UInt64 = kind == 0 ? 90_000_000_000 : kind == 1 ? 8_000_000_000 : 5_000_000
      time = kind == 2 ? time - 3_000_000 : time + UInt64.random(in: 0...longest, using: &generator)
      let frame = Self.frame(&generator)
      let kernel = try bench.features(after: frame, at: time)
      let index = try frame.withUnsafeBytes {
        try meter.take(CaptureFrame(nanoseconds: time, bytes: $0, length: frame.count), of: .ethernet)
      }
      guard isSame(kernel, meter, index, "seed \(seed), frame \(step)") else { return }
    }
    #expect(meter.flows.count > 100 && meter.counts.withoutFlow > 0)
  }

  @Test(
    "frames with bytes that are wrong anywhere give the same in the kernel and to the reader",
    arguments: [false, true])
  func broken(xdp: Bool) throws {
    let seed: UInt64 = 17
    var generator = SeededGenerator(seed: seed)
    let bench = try FlowFeaturesBench(xdp: xdp)
    var meter = FlowMeter(idle: Self.idle)
    var time: UInt64 = 1_600_000_000_000_000_000
    for step in 0..<6_000 {
      time += UInt64.random(in: 0...5_000_000, using: &generator)
      var frame = Self.frame(&generator)
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        // Mostly in the headers.
        let end = Bool.random(using: &generator) ? min(70, frame.count) : frame.count
        frame[Int.random(in: 0..<end, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let cut = Int.random(in: 0...3, using: &generator) == 0
      if cut { frame = Array(frame.prefix(Int.random(in: 14...frame.count, using: &generator))) }
      // The kernel takes no shorter ones for test runs.
      guard frame.count >= (xdp ? 14 : 60) else { continue }
      let kernel = try bench.features(after: frame, at: time)
      let index = try frame.withUnsafeBytes {
        try meter.take(CaptureFrame(nanoseconds: time, bytes: $0, length: frame.count), of: .ethernet)
      }
      guard isSame(kernel, meter, index, "seed \(seed), frame \(step)") else { return }
    }
    #expect(meter.flows.count > 100 && meter.counts.withoutFlow > 100)
  }

  /// One of a few hosts to another, by IPv4 or IPv6, with tags, with and without payload.
  private static func frame(_ generator: inout SeededGenerator) -> [UInt8] {
    func any(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    let tags = [[], [], [0x8100], [0x88a8, 0x8100]][any(0...3)]
    let payload = (0..<(any(0...2) * any(0...200))).map { _ in UInt8(any(0...255)) }
    let isTCP = any(0...2) > 0
    var transport =
      isTCP ? Wire.tcp(flags: [2, 18, 16, 24, 16, 24, 17, 4][any(0...7)]) : Wire.udp(payload.count)
    let ports = [any(1...4), any(1...2)]
    transport.replaceSubrange(0..<4, with: Wire.word(ports[0]) + Wire.word(ports[1]))
    if isTCP { transport[7] = UInt8(any(0...255)) }
    let bytes = transport.count + payload.count
    let (source, destination) = (UInt8(any(1...3)), UInt8(any(1...3)))
    var network: [UInt8]
    if any(0...1) == 0 {
      network = Wire.four(isTCP ? 6 : 17, bytes: bytes, fragment: any(0...30) == 0 ? 0x00b9 : 0)
      (network[15], network[19]) = (source, destination)
    } else {
      let own = any(0...2) == 0
      network = Wire.six(own ? 60 : isTCP ? 6 : 17, bytes: bytes + (own ? 8 : 0))
      (network[23], network[39]) = (source, destination)
      if own { network += [isTCP ? 6 : 17, 0, 0, 0, 0, 0, 0, 0] }
    }
    let type = network[0] >> 4 == 4 ? 0x0800 : 0x86dd
    let frame = Wire.ethernet(type, tags: tags) + network + transport + payload
    // As short as the kernel takes at tc.
    return frame + [UInt8](repeating: 0, count: max(0, 60 - frame.count))
  }

  @Test("a packet that stands for several segments counts as they are on the wire")
  func segments() throws {
    let bench = try FlowFeaturesBench(xdp: false)
    let frame =
      Wire.ethernet(0x0800) + Wire.four(6, bytes: 20 + 2_500) + Wire.tcp(flags: 16)
      + [UInt8](repeating: 1, count: 2_500)
    let words = try #require(
      try bench.features(after: frame, at: 1_600_000_000_000_000_000, segment: 1_000))
    let features = Dictionary(uniqueKeysWithValues: zip(FlowFeature.all.map(\.name), words))
    #expect(features["packets_forward"] == 3 && features["bytes_forward"] == 2_662)
    #expect(features["length_forward_minimum"] == 554 && features["length_forward_maximum"] == 1_054)
    #expect(features["payload_forward"] == 2_500)
  }
}
