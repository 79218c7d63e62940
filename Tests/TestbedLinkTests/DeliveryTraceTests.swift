import Foundation
import LinkProperties
import MedullaBase
import Testing

@testable import TestbedLink

@Suite("A delivery trace")
struct DeliveryTraceTests {
  private static func trace(_ times: [UInt32]) throws -> DeliveryTrace {
    try DeliveryTrace(name: "test", opportunities: times)
  }

  private static func read(_ text: String) throws -> DeliveryTrace {
    try DeliveryTrace(name: "test", text: Array(text.utf8))
  }

  @Test("its lines are milliseconds, several may be the same, and the last newline may be missing")
  func lines() throws {
    #expect(try Self.read("0\n3\n3\n10\n").opportunities == [0, 3, 3, 10])
    #expect(try Self.read("1").opportunities == [1])
    #expect(try Self.read("1").meanBitsPerSecond == 12e6)
    #expect(try Self.read("0\n5\n10\n").meanBitsPerSecond == 3.6e6)
  }

  @Test(
    "what is no trace is refused with the line and the reason",
    arguments: [
      ("", "no delivery opportunity"), ("\n", "Line 1 of the trace test cannot be used: it is empty"),
      ("1\n\n2\n", "Line 2 of the trace test cannot be used: it is empty"),
      ("5\n7\n6\n", "Line 3 of the trace test cannot be used: 6 is before 7"),
      ("1\ntwo\n", "Line 2 of the trace test cannot be used: \"two\" is no whole number"),
      ("1\n-2\n", "\"-2\" is no whole number"), ("1\r\n2\r\n", "Line 1"), (" 1\n", "\" 1\" is no"),
      ("1.5\n", "\"1.5\" is no"), ("0\n0\n", "the last timestamp, the period, is 0"),
      ("1\n86400001\n", "Line 2 of the trace test cannot be used: it is beyond 86400000 ms"),
      ("1\n99999999999999999999\n", "Line 2"), ("4294967297\n", "Line 1"),
    ])
  func refused(text: String, why: String) {
    #expect {
      try Self.read(text)
    } throws: { error in
      guard let error = error as? TestbedError else { return false }
      return error.code == .badParameter && error.message.contains(why)
    }
  }

  @Test("a trace with too many opportunities or bytes is refused")
  func bounds() {
    let many = [UInt32](repeating: 1, count: LinkLimits.traceOpportunities + 1)
    #expect(throws: TestbedError.self) { try Self.trace(many) }
    #expect(throws: TestbedError.self) {
      try DeliveryTrace(name: "test", text: [UInt8](repeating: 0x31, count: LinkLimits.traceBytes + 1))
    }
    let lines = [UInt8](repeating: 0x0a, count: LinkLimits.traceOpportunities + 2)
    #expect(throws: TestbedError.self) { try DeliveryTrace(name: "test", text: lines) }
  }

  @Test("a file that is not there is an error with its path")
  func missing() {
    #expect {
      try DeliveryTrace(path: "/nonexistent/trace")
    } throws: { error in
      let error = error as? TestbedError
      return error?.code == .fileFailed && error?.message.contains("/nonexistent/trace") == true
    }
    #expect(throws: TestbedError.self) { try DeliveryTrace(path: "/") }
  }

  @Test("damaged traces are refused or hold to the rules, whatever the damage")
  func mutations() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("0123456789\n\n\r -.x".utf8) + [0, 0xff]
    for round in 0..<500 {
      var text = Array((1...20).map { "\($0 * 7)\n" }.joined().utf8)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
        switch Int.random(in: 0..<3, using: &random) {
        case 0: text[place] = byte
        case 1: text.insert(byte, at: place)
        default: text.remove(at: place)
        }
      }
      #expect(TraceProperties.violation(text) == nil, "seed \(seed), round \(round)")
    }
  }

  @Test("the fuzzer's corpus of traces holds to the rules")
  func corpus() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../fuzz/corpus/trace")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    #expect(files.count >= 6)
    for file in files {
      #expect(
        try TraceProperties.violation(Array(Data(contentsOf: file))) == nil, "\(file.lastPathComponent)")
    }
  }

  @Test("it survives the way to the worker, and what came damaged does not")
  func coding() throws {
    let trace = try Self.trace([0, 1, 1, 70_000, 86_400_000])
    let text = try JSONEncoder().encode(trace)
    #expect(try JSONDecoder().decode(DeliveryTrace.self, from: text) == trace)
    let falling = Data(#"{"name":"x","opportunities":"AgAAAAEAAAA="}"#.utf8)
    #expect(throws: TestbedError.self) { try JSONDecoder().decode(DeliveryTrace.self, from: falling) }
    let link = LinkConfiguration(forward: .init(trace: trace), backward: .init())
    var changed = link
    changed.forward.lossProbability = 0.5
    let change = try JSONEncoder().encode(LinkWorker.Change(changed))
    #expect(change.count < LinkWorker.longestChange)
    #expect(try JSONDecoder().decode(LinkWorker.Change.self, from: change).applied(to: link) == changed)
  }
}

@Suite("A path that follows a trace")
struct TraceScheduleTests {
  /// What Mahimahi's `LinkQueue::rationalize` does, opportunity by opportunity, without its rounding to
  /// milliseconds: when each packet has left.
  private static func mahimahi(
    _ trace: DeliveryTrace, origin: UInt64, packets: [(arrival: UInt64, bytes: Int)]
  ) -> [UInt64] {
    var left: [UInt64] = []
    var remaining = packets.first?.bytes ?? 0
    var pass: UInt64 = 0
    while left.count < packets.count {
      for opportunity in trace.opportunities {
        let time = origin + pass * trace.periodNanoseconds + UInt64(opportunity) * 1_000_000
        var bytes = 1504
        while bytes > 0, left.count < packets.count, packets[left.count].arrival <= time {
          let sent = min(bytes, remaining)
          bytes -= sent
          remaining -= sent
          guard remaining == 0 else { continue }
          left.append(time)
          if left.count < packets.count { remaining = packets[left.count].bytes }
        }
      }
      pass += 1
    }
    return left
  }

  @Test("packets leave when Mahimahi lets them leave, for random traces and packets")
  func reference() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for round in 0..<300 {
      var times = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        UInt32.random(in: 0...20, using: &random)
      }.sorted()
      if times.last == 0 { times.append(1) }
      let trace = try DeliveryTrace(name: "test", opportunities: times)
      let origin = UInt64.random(in: 0...5_000_000, using: &random)
      var arrival = origin
      let packets = (0..<40).map { _ in
        // Mostly together, at times after a long silence, often exactly at an opportunity.
        let gap = UInt64.random(in: 0...9, using: &random)
        arrival += gap < 5 ? 0 : gap < 8 ? UInt64.random(in: 0...3, using: &random) * 1_000_000 : 61_234_567
        return (arrival: arrival, bytes: Int.random(in: 1...4000, using: &random))
      }
      var schedule = TraceSchedule(trace, origin: origin)
      let served = packets.map { schedule.serve(arrival: $0.arrival, bytes: $0.bytes) }
      let expected = Self.mahimahi(trace, origin: origin, packets: packets)
      #expect(served.map(\.end) == expected, "seed \(seed), round \(round), trace \(times)")
      #expect(zip(served, packets).allSatisfy { $0.start >= $1.arrival && $0.start <= $0.end })
    }
  }

  /// Departures of `packets` of 1,500 bytes that are all there at 0.
  private func departures(_ path: PathConfiguration, packets: Int, bytes: Int = 1500) -> [UInt64] {
    var bench = PathBench(path)
    for _ in 0..<packets { bench.accept(Frames.plain(bytes: bytes), at: 0) }
    let times = bench.departures(until: 1_000_000_000).map(\.time)
    bench.finish()
    return times
  }

  @Test("a full packet takes one opportunity, the delay comes on top, and the trace repeats")
  func fullPackets() throws {
    let trace = try DeliveryTrace(name: "test", opportunities: [1, 4, 10])
    let times = departures(PathConfiguration(delayNanoseconds: 500_000, trace: trace), packets: 5)
    #expect(times == [1_500_000, 4_500_000, 10_500_000, 11_500_000, 14_500_000])
  }

  @Test("small packets share an opportunity, each with Mahimahi's four bytes of overhead")
  func smallPackets() throws {
    let trace = try DeliveryTrace(name: "test", opportunities: [10])
    // 1,504 bytes are four packets of 376, overhead included.
    let times = departures(PathConfiguration(trace: trace), packets: 8, bytes: 372)
    #expect(times == [UInt64](repeating: 10_000_000, count: 4) + [UInt64](repeating: 20_000_000, count: 4))
  }

  @Test("an opportunity that nobody waited for is lost")
  func unused() throws {
    var bench = PathBench(PathConfiguration(trace: try DeliveryTrace(name: "test", opportunities: [10])))
    bench.accept(Frames.plain(bytes: 1500), at: 10_000_001)
    bench.accept(Frames.plain(bytes: 1500), at: 35_000_000)
    #expect(bench.departures(until: 60_000_000).map(\.time) == [20_000_000, 40_000_000])
    bench.finish()
  }

  @Test("super-segments are cut into single segments, and the buffer counts as on a constant link")
  func segments() throws {
    let trace = try DeliveryTrace(name: "test", opportunities: [1])
    var bench = PathBench(PathConfiguration(bufferBytes: 6000, trace: trace))
    bench.accept(Frames.superSegment(version: 4, payload: 10 * 1448, size: 1448), at: 0)
    #expect(bench.path.queueBytes == 6000)
    #expect(bench.path.recorder.current.droppedSegments == 6)
    #expect(bench.departures(until: 50_000_000).map(\.time) == [1, 2, 3, 4].map { $0 * 1_000_000 })
    bench.finish()
  }

  @Test("a change keeps the place in the trace, and a constant rate ends it")
  func change() throws {
    let trace = try DeliveryTrace(name: "test", opportunities: [3, 5])
    var bench = PathBench(PathConfiguration(trace: trace))
    for _ in 0..<4 { bench.accept(Frames.plain(bytes: 1500), at: 0) }
    bench.change(PathConfiguration(lossProbability: 0.5, trace: trace), at: 4_000_000)
    #expect(bench.departures(until: 5_500_000).map(\.time) == [3_000_000, 5_000_000])
    bench.change(PathConfiguration(bitsPerSecond: 12e6), at: 6_000_000)
    #expect(bench.departures(until: 20_000_000).map(\.time) == [7_000_000, 8_000_000])
    bench.finish()
  }
}
