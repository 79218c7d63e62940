import Testing

@testable import TestbedLink

@Suite("Batches, and ports that are farther away")
struct DelayLineTests {
  @Test("a packet leaves at the first multiple of the interval after its delay, and one in time at once")
  func batches() {
    // 1 ms each: due after 6, 7, 8, 9, 10 and 11 ms.
    var bench = PathBench(
      PathConfiguration(
        bitsPerSecond: 12e6, delayNanoseconds: 5_000_000, aggregationNanoseconds: 10_000_000))
    bench.accept(6, at: 0)
    let departures = bench.departures(until: 1_000_000_000)
    #expect(departures.map(\.number) == [0, 1, 2, 3, 4, 5])
    #expect(departures.map(\.time) == [UInt64](repeating: 10_000_000, count: 5) + [20_000_000])
    bench.finish()
  }

  @Test("multiples count from the link's start, and packets wake the loop at their batch's time only")
  func origin() {
    var bench = PathBench(
      PathConfiguration(bitsPerSecond: 12e6, aggregationNanoseconds: 10_000_000), origin: 7_000_000)
    bench.accept(1, at: 8_000_000)
    #expect(bench.path.nextEvent == 17_000_000)
    #expect(bench.departures(until: 1_000_000_000).map(\.time) == [17_000_000])
    bench.accept(1, at: 16_000_000)
    #expect(bench.departures(until: 1_000_000_000).map(\.time) == [17_000_000])
    bench.finish()
  }

  @Test("a change of the interval keeps the order, and its end lets packets out at their own times")
  func change() {
    var bench = PathBench(PathConfiguration(bitsPerSecond: 12e6, aggregationNanoseconds: 100_000_000))
    bench.accept(1, from: 0, at: 0)
    bench.change(PathConfiguration(bitsPerSecond: 12e6, aggregationNanoseconds: 10_000_000), at: 2_000_000)
    bench.accept(1, from: 1, at: 2_000_000)
    bench.change(PathConfiguration(bitsPerSecond: 12e6), at: 150_000_000)
    bench.accept(1, from: 2, at: 150_000_000)
    let departures = bench.departures(until: 1_000_000_000)
    #expect(departures.map(\.number) == [0, 1, 2])
    #expect(departures.map(\.time) == [100_000_000, 100_000_000, 151_000_000])
    bench.finish()
  }

  /// A TCP segment from port 5201 to 44444, with a number.
  private func segment(_ number: Int, version: Int = 4) -> [UInt8] {
    var frame = Frames.superSegment(version: version, payload: 1000, size: 1448)
    Frames.put(&frame, 14, number)
    return frame
  }

  @Test("a port's packets travel longer and are overtaken by the others, each kind in its order")
  func farther() {
    var bench = PathBench(
      PathConfiguration(
        bitsPerSecond: 12e6, delayNanoseconds: 5_000_000,
        portDelay: PortDelay(port: 44_444, extraNanoseconds: 45_000_000)))
    bench.accept(segment(0), at: 0)
    bench.accept(1, from: 1, at: 0)
    bench.accept(segment(2), at: 0)
    bench.accept(1, from: 3, at: 0)
    #expect(bench.departures(until: 1_000_000_000).map(\.number) == [1, 3, 0, 2])
    bench.accept(segment(4), at: 2_000_000_000)
    // 1,052 bytes at 12 Mbit/s, then 50 ms.
    #expect(bench.departures(until: 3_000_000_000).map(\.time) == [2_050_701_333])
    bench.finish()
  }

  @Test("a port is looked for at both ends of TCP and UDP, over IPv4 and IPv6, and nowhere else")
  func ports() {
    func concerns(_ port: Int, _ frame: [UInt8], length: Int? = nil) -> Bool {
      frame.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return false }
        return PortDelay(port: port, extraNanoseconds: 1)
          .concerns(base + 10, length: length ?? frame.count - 10)
      }
    }
    for version in [4, 6] {
      let frame = segment(0, version: version)
      #expect(concerns(5201, frame) && concerns(44_444, frame) && !concerns(80, frame))
      #expect(!concerns(5201, frame, length: version == 4 ? 23 : 43))
      var other = frame
      // ICMP has no ports.
      other[10 + (version == 4 ? 9 : 6)] = 1
      #expect(!concerns(5201, other))
    }
    var fragment = segment(0)
    fragment[10 + 7] = 1
    #expect(!concerns(5201, fragment))
    #expect(!concerns(1, [UInt8](repeating: 0, count: 40)))
  }
}
