import Testing

@testable import TestbedLink

@Suite("A policer before the queue")
struct PolicerTests {
  /// 1 byte a microsecond, two full packets at once.
  private let policer = Policing(bitsPerSecond: 8e6, burstBytes: 3000)

  @Test("a packet that finds too few tokens is dropped and takes none, to the nanosecond")
  func tokens() {
    var bench = PathBench(PathConfiguration(policer: policer))
    bench.accept(3, at: 0)
    #expect(bench.window.policedSegments == 1)
    bench.accept(1, from: 3, at: 1_499_999)
    #expect(bench.window.policedSegments == 2)
    bench.accept(1, from: 4, at: 1_500_000)
    #expect(bench.window.policedSegments == 2)
    // A pause fills the bucket up to the burst, and no further.
    bench.accept(3, from: 5, at: 1_000_000_000)
    #expect(bench.window.policedSegments == 3)
    #expect(bench.departures(until: 2_000_000_000).map(\.number) == [0, 1, 4, 5, 6])
    #expect(bench.window.droppedSegments == 0 && bench.window.lostSegments == 0)
    bench.finish()
  }

  @Test("over time as much passes as the rate and one burst, whatever comes")
  func rate() {
    var bench = PathBench(PathConfiguration(policer: .init(bitsPerSecond: 10e6, burstBytes: 30_000)))
    // 20 Mbit/s for 10 s.
    for number in 0..<16_667 { bench.accept(1, from: number, at: UInt64(number) * 600_000) }
    bench.path.advance(to: 10_000_000_000)
    let allowed = 30_000 + 12_500_000
    #expect(bench.window.deliveredBytes <= allowed && bench.window.deliveredBytes > allowed - 1500)
    #expect(bench.window.policedSegments + bench.window.deliveredSegments == 16_667)
    bench.finish()
  }

  @Test("a super-segment is policed segment by segment, and what is lost before takes no tokens")
  func segments() {
    var bench = PathBench(
      PathConfiguration(bitsPerSecond: 1e9, policer: .init(bitsPerSecond: 8e6, burstBytes: 4500)))
    bench.accept(Frames.superSegment(version: 4, payload: 10 * 1448, size: 1448), at: 0)
    #expect(bench.window.policedSegments == 7)
    #expect(bench.path.queueBytes == 4500)
    bench.finish()
    var lossy = PathBench(PathConfiguration(lossProbability: 1, policer: policer))
    lossy.accept(10, at: 0)
    #expect(lossy.window.lostSegments == 10 && lossy.window.policedSegments == 0)
    lossy.finish()
  }

  @Test("another rate and burst hold from the change on; tokens stay, but for those beyond the burst")
  func change() {
    var bench = PathBench(PathConfiguration(policer: policer))
    bench.change(PathConfiguration(policer: .init(bitsPerSecond: 16e6, burstBytes: 1500)), at: 0)
    bench.accept(2, at: 0)
    #expect(bench.window.policedSegments == 1)
    // 2 bytes a microsecond now.
    bench.accept(1, at: 749_999)
    bench.accept(1, at: 750_000)
    #expect(bench.window.policedSegments == 2)
    bench.change(PathConfiguration(), at: 800_000)
    bench.accept(50, at: 800_000)
    #expect(bench.window.policedSegments == 0)
    bench.change(PathConfiguration(policer: policer), at: 900_000)
    bench.accept(3, at: 900_000)
    #expect(bench.window.policedSegments == 1)
    bench.finish()
  }

  @Test("a report counts what was policed apart from drops and losses, and its summary says so")
  func report() {
    var bench = PathBench(
      PathConfiguration(
        bitsPerSecond: 12e6, bufferBytes: 3000, lossProbability: 0.2,
        policer: .init(bitsPerSecond: 8e6, burstBytes: 15_000)), seed: 3)
    bench.accept(100, at: 0)
    bench.path.beginWindow(at: 1_000_000_000)
    let report = PathReport(bench.path)
    let window = report.windows[0]
    #expect(window.arrivedSegments == 100 && window.lostSegments > 0)
    // Ten pass the policer, two of them fit.
    #expect(window.policedSegments == 90 - window.lostSegments)
    #expect(window.droppedSegments == 8 && window.deliveredSegments == 2)
    #expect(window.earlyDroppedSegments == 0)
    #expect(report.summary(named: "up").contains("\(window.policedSegments) policed, "))
    #expect(report.bins.arrivedBytes.reduce(0, +) == 150_000)
    bench.finish()
  }
}
