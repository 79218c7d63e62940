import MedullaBase
import Testing

@testable import MedullaPayload

@Suite("Admission of objects")
struct AdmissionTests {
  @Test("objects are admitted until their work is the bound, and again when one has left")
  func bound() throws {
    var admission = try Admission(bound: 100, workers: 1, assumed: 30, classes: 1)
    for _ in 0..<3 {
      #expect(admission.admits(0))
      admission.begin(0)
    }
    #expect(!admission.admits(0) && admission.backlog == 90)
    admission.end(0, service: nil)
    #expect(admission.admits(0) && admission.service(of: 0) == 30)
  }

  @Test("the first measurement replaces the assumption, later ones are smoothed")
  func measured() throws {
    var admission = try Admission(bound: 100, workers: 1, assumed: 1, classes: 2)
    for service in [80, 160] as [UInt64] {
      admission.begin(1)
      admission.end(1, service: service)
    }
    #expect(admission.service(of: 1) == 90 && admission.service(of: 0) == 1)
  }

  @Test("where service times vary, fewer are admitted: each is held to four deviations above the mean")
  func deviation() throws {
    var admission = try Admission(bound: 100, workers: 1, assumed: 1, classes: 1)
    func admitted(after times: [UInt64]) -> Int {
      for time in times {
        admission.begin(0)
        admission.end(0, service: time)
      }
      var own = admission
      var count = 0
      while own.admits(0) {
        own.begin(0)
        count += 1
      }
      return count
    }
    #expect(admitted(after: [20]) == 1)
    #expect(admitted(after: [UInt64](repeating: 20, count: 30)) == 4)
    #expect(admitted(after: (0..<60).map { $0 % 2 == 0 ? 15 : 25 }) == 2)
  }

  @Test("classes have times of their own, and each is held to what all have ahead")
  func classes() throws {
    var admission = try Admission(bound: 100, workers: 1, assumed: 10, classes: 2)
    for _ in 0..<30 {
      admission.begin(1)
      admission.end(1, service: 60)
    }
    admission.begin(1)
    #expect(!admission.admits(1) && admission.admits(0))
  }

  @Test("two workers halve the time, and an engine with a free worker gets an object however long it takes")
  func workers() throws {
    var admission = try Admission(bound: 100, workers: 2, assumed: 1_000, classes: 1)
    admission.begin(0)
    #expect(admission.admits(0))
    admission.begin(0)
    #expect(!admission.admits(0))
    // So often that nothing is left of the first measurement's deviation.
    for _ in 0..<2 { admission.end(0, service: 20) }
    for _ in 0..<20 {
      admission.begin(0)
      admission.end(0, service: 20)
    }
    for _ in 0..<9 {
      #expect(admission.admits(0))
      admission.begin(0)
    }
    #expect(!admission.admits(0))
  }

  @Test("settings that cannot be are refused")
  func settings() throws {
    for (bound, workers, assumed, classes) in [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)] {
      #expect(throws: PayloadError.self) {
        try Admission(bound: UInt64(bound), workers: workers, assumed: UInt64(assumed), classes: classes)
      }
    }
    let rig = try AssemblyCase.assembler()
    #expect(throws: PayloadError.self) {
      try rig.assembler.set(Admission(bound: 1, workers: 1, assumed: 1, classes: 2))
    }
    rig.take(try AssemblyCase.writer(), 0)
    #expect(throws: PayloadError.self) {
      try rig.assembler.set(Admission(bound: 1, workers: 1, assumed: 1, classes: 1))
    }
  }

  @Test("an object that is not admitted is refused as a whole, and counted once")
  func refused() throws {
    let rig = try AssemblyCase.assembler()
    try rig.assembler.set(Admission(bound: 10, workers: 1, assumed: 10, classes: 1))
    let first = try #require(rig.take(try AssemblyCase.writer(1), 0).object)
    #expect(rig.take(try AssemblyCase.writer(2), 3).cause == .notAdmitted)
    #expect(rig.take(try AssemblyCase.writer(2), 0).cause == .afterRefusal)
    rig.finish(first, service: 5)
    #expect(rig.take(try AssemblyCase.writer(3), 0).cause == .accepted)
    #expect(rig.assembler.counts.refused == 1 && rig.assembler.admission?.service(of: 0) == 5)
  }

  @Test(
    "at twice the capacity goodput stays at least 95% of it, latency within the bound, and no object wrong")
  func overload() throws {
    for (load, loss) in [(2.0, 0.0), (4.0, 0.0), (2.0, 0.0005)] {
      let simulation = OverloadSimulation(load: load, bound: 30_000_000, loss: loss)
      let result = try simulation.run()
      let told = "load \(load), loss \(loss): \(result.goodput), \(result.latency(1)) ms"
      #expect(result.goodput >= 0.95, "\(told)")
      // The service time varies by a fifth around what is measured.
      #expect(result.latency(1) <= 30, "\(told)")
      #expect(result.wrong == 0 && result.lost == 0, "\(told)")
      if loss == 0 { #expect(result.counts.expired == 0, "what was accepted becomes whole") }
    }
  }

  @Test("below the capacity nothing is refused")
  func noOverload() throws {
    let result = try OverloadSimulation(load: 0.5, bound: 60_000_000, assumed: 2_000_000).run()
    #expect(result.counts.refused == 0 && result.counts.expired == 0 && result.wrong == 0)
  }

  @Test("without admission an object waits for all that memory can hold")
  func withoutAdmission() throws {
    let admitted = try OverloadSimulation(bound: 30_000_000).run()
    let reserved = try OverloadSimulation().run()
    #expect(reserved.goodput >= 0.95 && reserved.wrong == 0)
    #expect(reserved.latency(0.5) >= 4 * admitted.latency(0.5))
  }

  @Test("when also no frames are reserved, objects that come slowly take them from one another")
  func withoutReservation() throws {
    let admitted = try OverloadSimulation(bound: 200_000_000, reception: 100_000_000).run()
    #expect(admitted.goodput >= 0.95 && admitted.wrong == 0 && admitted.counts.expired == 0)
    let neither = try OverloadSimulation(reception: 100_000_000, reserves: false).run()
    #expect(neither.lost > 0 && neither.wrong == 0)
    #expect(neither.goodput <= 0.1, "\(neither.goodput)")
  }
}
