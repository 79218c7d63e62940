import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of short transfers")
struct ShortTransfersTests {
  private let study = ShortTransfers.study

  private func misses(_ read: (StudyCell) -> [String: Double]) -> [String] {
    let runs = study.cells(study.plan).map { StudyRun($0, round: 0, Reading(keyed: read($0))) }
    return study.judge(runs, study.plan, complete: true).misses
  }

  @Test("each transfer of the network has one of CUBIC to be compared with, on the same link")
  func matrix() {
    let cells = study.cells(study.plan)
    let ours = cells.filter { $0.text() == "medulla" }
    #expect(ours.count == 54 && cells.count == 90 && Set(cells).count == 90)
    for cell in ours {
      let reference = ShortTransfers.reference(cell)
      #expect(cells.contains(reference))
      #expect(ShortTransfers.link(reference, study.plan) == ShortTransfers.link(cell, study.plan))
      #expect((reference.text("beside") == "nothing") == (cell.text("beside") == "nothing"))
    }
  }

  @Test("slow transfers alone, and late ones beside a long flow, miss by size")
  func slow() {
    #expect(misses { CongestionCases.transfers($0, alone: 1, beside: 0.3) }.isEmpty)
    #expect(
      misses { CongestionCases.transfers($0, alone: 1.2, beside: 0.3) }
        == [10, 100, 1000].map { "\($0) kB alone: median over CUBIC's, largest: 1.200, target ≤ 1.100" })
    #expect(
      misses { CongestionCases.transfers($0, alone: 1, beside: 0.9) }
        == [10, 100].map { "\($0) kB beside its own: p95 over CUBIC's, largest: 0.900, target ≤ 0.800" })
  }

  @Test("one link decides, and one that was not run leaves no figure")
  func links() throws {
    let name = "1000 kB alone: median over CUBIC's, largest"
    let one = try #require(
      study.cells(study.plan).first {
        $0.fits([ShortTransfers.sizes(1000), ShortTransfers.schemes("medulla")])
      })
    let slow = misses {
      CongestionCases.transfers($0, alone: $0 == one ? 1.5 : 1, beside: 0.3)
    }
    #expect(slow == ["\(name): 1.500, target ≤ 1.100"])
    let left = misses { $0 == one ? [:] : CongestionCases.transfers($0, alone: 1, beside: 0.3) }
    #expect(left == ["\(name): not run, target ≤ 1.100"])
  }
}
