import Foundation
import TestbedCases
import Testing

@testable import TestbedBaselines
@testable import TestbedLink

@Suite("The latency comparison's cells")
struct BaselineLatencyCellTests {
  @Test("each way is measured on one processor and on two, except where that makes no sense")
  func cells() {
    let cells = LatencyCell.all
    #expect(Set(cells).count == cells.count)
    #expect(Set(cells.map(\.way)) == Set(LatencyCell.Way.allCases))
    #expect(!cells.contains(.init(.pollingRing, sharesProcessor: true)))
    #expect(!cells.contains { $0.way == .ringBuffer && $0.end == .returned })
    for way in [LatencyCell.Way.netlink, .pipe, .eventCounter] {
      #expect(cells.filter { $0.way == way }.count == 4)
    }
  }

  @Test("quantiles and mean of a series")
  func series() {
    let series = LatencySeries(cell: .init(.pipe), nanoseconds: [30, 10, 20])
    #expect(series.mean == 20)
    #expect(series.quantile(0.5) == 20)
    #expect(LatencySeries(cell: .init(.pipe), nanoseconds: []).mean == 0)
  }
}

extension RealLinks {
  @Suite(
    "Ways of a prediction on this machine", .serialized,
    .enabled(if: BaselineHost.canAttach, Comment(rawValue: BaselineHost.needs)))
  struct BaselineLatencyTests {
    /// That answers are right and times plausible; how fast each way is, the experiment says.
    @Test("every way gives the interpreter's answer, and as many times as were asked for")
    func ways() throws {
      let comparison = try LatencyComparison(count: 300)
      let cells = LatencyCell.all.filter {
        $0.sharesProcessor || ProcessInfo.processInfo.activeProcessorCount > 1
      }
      for cell in cells {
        let series = try comparison.measure(cell)
        #expect(series.nanoseconds.count == 300)
        // A test run is measured in whole nanoseconds, and the empty one may take less than one.
        #expect(series.quantile(0.9) > 0, "\(cell)")
      }
    }

    @Test("too many samples and a processor that is not there are errors")
    func refused() throws {
      #expect(throws: TestbedError.self) { try LatencyComparison(count: 0) }
      #expect(throws: TestbedError.self) { try LatencyComparison(count: 10_000_000) }
      #expect(throws: TestbedError.self) { try LatencyComparison(count: 1, pause: .seconds(2)) }
      let comparison = try LatencyComparison(count: 1)
      #expect(throws: TestbedError.self) { try comparison.measure(.init(.pipe), asker: 1000) }
    }
  }
}
