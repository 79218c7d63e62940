import Testing

@testable import MedullaDatapath

@Suite("layouts shared with the kernel's programs")
struct LayoutTests {
  @Test("the control block has the size that intf.h asserts")
  func control() {
    #expect(KernelLayout.Control.size == 944)
    #expect(KernelLayout.Slot.size == 96)
  }

  @Test("the records have the sizes that intf.h asserts")
  func records() {
    #expect(MemoryLayout<KernelFlows>.size == 24)
    #expect(MemoryLayout<KernelCounts>.size == 128)
    #expect(MemoryLayout<KernelFlowRecord>.size == KernelFlowRecord.featuresOffset)
    #expect(KernelFlowRecord.featuresOffset + 4 * KernelFlowRecord.featureCount + 4 == KernelFlowRecord.size)
  }

  @Test("counts of several processors add up, with the least and the largest time of all")
  func total() {
    var first = KernelCounts()
    first.inferences = 3
    first.measuredMinimum = 200
    first.measuredMaximum = 900
    var second = KernelCounts()
    second.inferences = 4
    second.measuredMinimum = 150
    second.measuredMaximum = 300
    let total = KernelCounts.total([first, KernelCounts(), second])
    #expect(total.inferences == 7)
    #expect(total.measuredMinimum == 150)
    #expect(total.measuredMaximum == 900)
  }
}
