import CMedullaABI
import Testing

@testable import MedullaDatapath

@Suite("layouts shared with the kernel's programs")
struct LayoutTests {
  @Test("counts of several processors add up, with the least and the largest time of all")
  func total() {
    var first = medulla_counts()
    first.inferences = 3
    first.measured_min_ns = 200
    first.measured_max_ns = 900
    first.function.1 = 5
    var second = medulla_counts()
    second.inferences = 4
    second.measured_min_ns = 150
    second.measured_max_ns = 300
    second.function = (0, 2, 0, 7)
    let total = medulla_counts.total([first, medulla_counts(), second, medulla_counts()])
    #expect(total.inferences == 7)
    #expect(total.measured_min_ns == 150)
    #expect(total.measured_max_ns == 900)
    #expect(total.functionCounters == [0, 7, 0, 7])
  }
}
