import Testing

@testable import TestbedLink

@Suite("What a path does by chance")
struct ImpairmentTests {
  /// Lengths of the runs of losses among `count` draws.
  private func bursts(_ loss: BurstLoss, count: Int, seed: UInt64) -> [Int] {
    var impairment = Impairment(PathConfiguration(burstLoss: loss), seed: seed)
    var bursts: [Int] = []
    var present = 0
    for _ in 0..<count {
      if impairment.takeLoss() == .burst {
        present += 1
      } else if present > 0 {
        bursts.append(present)
        present = 0
      }
    }
    return bursts
  }

  @Test(
    "burst loss has Gilbert's mean loss p/(p+r) and mean burst 1/r",
    arguments: [(0.001, 0.1), (0.01, 0.25), (0.05, 0.5), (0.2, 1)])
  func gilbert(toBad: Double, toGood: Double) {
    let loss = BurstLoss(toBad: toBad, toGood: toGood)
    let count = 400_000
    for seed in [UInt64(3), 77] {
      let bursts = bursts(loss, count: count, seed: seed)
      let lost = Double(bursts.reduce(0, +))
      // Five standard deviations of a sum of geometric bursts.
      let mean = Double(count) * loss.meanLoss
      let margin = 5 * (mean * (2 / toGood)).squareRoot()
      #expect(abs(lost - mean) < margin, "seed \(seed): \(lost) lost")
      let length = lost / Double(bursts.count)
      let tolerance = 5 * (1 - toGood).squareRoot() / toGood / Double(bursts.count).squareRoot() + 1e-9
      #expect(abs(length - loss.meanBurst) < tolerance, "seed \(seed): mean burst \(length)")
    }
  }

  @Test("Elliott's loss probabilities hold in each state")
  func elliott() {
    let loss = BurstLoss(toBad: 0.01, toGood: 0.1, lossInBad: 0.5, lossInGood: 0.02)
    #expect(abs(loss.meanLoss - (0.01 * 0.5 + 0.1 * 0.02) / 0.11) < 1e-12)
    let lost = bursts(loss, count: 400_000, seed: 5).reduce(0, +)
    #expect(abs(Double(lost) / 4e5 - loss.meanLoss) < 0.005)
    let never = BurstLoss(toBad: 0, toGood: 1)
    #expect(bursts(never, count: 10_000, seed: 5).isEmpty)
  }

  @Test("each kind draws for itself: one more kind leaves what the others do to the same traffic")
  func independent() {
    let plain = PathConfiguration(lossProbability: 0.1)
    var all = plain
    all.burstLoss = BurstLoss(toBad: 0.05, toGood: 0.5)
    all.reordering = Reordering(share: 0.2, extraNanoseconds: 1)
    all.duplicateProbability = 0.3
    func lost(_ path: PathConfiguration, seed: UInt64) -> [Bool] {
      var impairment = Impairment(path, seed: seed)
      return (0..<5000).map { _ in
        _ = impairment.takeCopies()
        _ = impairment.takeExtraDelay()
        return impairment.takeLoss() == .random
      }
    }
    #expect(lost(plain, seed: 9) == lost(all, seed: 9))
    #expect(lost(all, seed: 9) == lost(all, seed: 9))
    #expect(lost(all, seed: 9) != lost(all, seed: 10))
  }

  /// Sends `count` numbered packets, one each 0.1 ms, and says how they left.
  private func send(
    _ path: PathConfiguration, count: Int, seed: UInt64 = 4
  ) -> (departures: [(time: UInt64, number: Int, copies: Int)], window: PathRecorder.Window) {
    var bench = PathBench(path, seed: seed)
    var departures: [(time: UInt64, number: Int, copies: Int)] = []
    for number in 0..<count {
      var frame = Frames.plain(bytes: 100)
      Frames.put(&frame, 14, number)
      let time = UInt64(number) * 100_000
      bench.accept(frame, at: time)
      departures += bench.departures(until: time)
    }
    departures += bench.departures(until: 100_000_000_000)
    defer { bench.finish() }
    return (departures, bench.path.recorder.current)
  }

  @Test("a share is held back by the extra delay and overtaken; the rest stays in order")
  func reordering() {
    let path = PathConfiguration(
      bitsPerSecond: 100e6, delayNanoseconds: 2_000_000,
      reordering: Reordering(share: 0.1, extraNanoseconds: 1_000_000))
    let (departures, window) = send(path, count: 5000)
    #expect(departures.count == 5000)
    #expect(Set(departures.map(\.number)).count == 5000)
    // 5,000 draws of 0.1: the mean and five standard deviations on each side.
    #expect(abs(window.reorderedSegments - 500) < 107, "\(window.reorderedSegments) reordered")
    let serviceAndDelay: UInt64 = 8_000 + 2_000_000
    let late = departures.filter { $0.time > UInt64($0.number) * 100_000 + serviceAndDelay }
    #expect(late.count == window.reorderedSegments)
    #expect(late.allSatisfy { $0.time == UInt64($0.number) * 100_000 + serviceAndDelay + 1_000_000 })
    let lateNumbers = Set(late.map(\.number))
    let onTime = departures.map(\.number).filter { !lateNumbers.contains($0) }
    #expect(onTime == onTime.sorted())
    #expect(departures.map(\.number) != departures.map(\.number).sorted())
  }

  @Test("a share arrives twice, at its own time, and counts once in what the bottleneck served")
  func duplication() {
    let (departures, window) = send(
      PathConfiguration(bitsPerSecond: 100e6, duplicateProbability: 0.2), count: 5000)
    #expect(departures.filter { $0.copies == 2 }.count == window.duplicatedSegments)
    #expect(abs(window.duplicatedSegments - 1000) < 142, "\(window.duplicatedSegments) duplicated")
    #expect(window.deliveredSegments == 5000)
    #expect(departures.map(\.number) == Array(0..<5000))
  }

  @Test("every segment is lost, dropped or delivered, and the bins saw the same bytes come")
  func accounts() {
    var path = PathConfiguration(bitsPerSecond: 4e6, bufferBytes: 2000, lossProbability: 0.05)
    path.burstLoss = BurstLoss(toBad: 0.02, toGood: 0.2)
    path.reordering = Reordering(share: 0.05, extraNanoseconds: 3_000_000)
    path.duplicateProbability = 0.05
    let (departures, window) = send(path, count: 5000)
    #expect(window.arrivedSegments == 5000)
    #expect(window.lostSegments > window.burstLostSegments && window.burstLostSegments > 0)
    #expect(window.droppedSegments > 0)
    #expect(departures.count == window.deliveredSegments)
    #expect(window.deliveredSegments + window.lostSegments + window.droppedSegments == 5000)
  }

  @Test("segments travel one by one where something is drawn, decided or timed for each")
  func units() {
    var path = PathConfiguration(bitsPerSecond: 1e9)
    #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 8)
    path.duplicateProbability = 0.1
    #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 1)
    path.duplicateProbability = 0
    path.reordering = Reordering(share: 0.1, extraNanoseconds: 1)
    #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 1)
    path.reordering = nil
    path.burstLoss = BurstLoss(toBad: 0.1, toGood: 1)
    #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 1)
    path.burstLoss = nil
    path.portDelay = PortDelay(port: 80, extraNanoseconds: 1)
    #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 8)
    path.policer = Policing(bitsPerSecond: 1e6, burstBytes: 3000)
    #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 1)
    path.policer = nil
    path.aggregationNanoseconds = 1
    #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 1)
    path.aggregationNanoseconds = nil
    for discipline in [QueueDiscipline.codel, .pie] {
      path.queue = discipline
      #expect(LinkLimits.segmentsPerUnit(path, mtu: 1500) == 1)
    }
  }
}
