import Foundation
import Logging
import MedullaAdaptation
import Testing

@testable import MedullaControl

@Suite("History")
struct HistoryStoreTests {
  /// A state directory that goes with the test, and a store in it.
  private func withStore(
    _ prepare: (DaemonSettings) throws -> Void = { _ in },
    _ body: (HistoryStore, DaemonSettings) throws -> Void
  ) throws {
    var settings = DaemonSettings()
    settings.state = NSTemporaryDirectory() + "medulla-history-\(UUID())"
    try FileManager.default.createDirectory(atPath: settings.state, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: settings.state) }
    try prepare(settings)
    let store = HistoryStore(settings: settings, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    store.start()
    defer { store.stop() }
    try body(store, settings)
  }

  static func batch(_ samples: Int, at time: Double = Date().timeIntervalSince1970) -> StoredRecord {
    let statistics = BatchStatistics(
      seconds: 1, batches: 10, samples: samples, flows: 2, dropped: 0, discarded: 0)
    return StoredRecord(time: time, function: "f", record: .batch(statistics))
  }

  static let everyKind: [LoopRecord] = [
    .batch(
      BatchStatistics(seconds: 1, batches: 9, samples: 8, flows: 7, dropped: 6, discarded: 5, rewardMean: 1)),
    .progress(RoundProgress(round: 1, samples: 2, seconds: 3, stability: .nan, figures: ["a": 1])),
    .retrain(RetrainRecord(.refused, reason: "worse on the hold-out", figures: ["labels": 3])),
    .failure(LoopFailure(step: .adapt, message: "line\nother \"quoted\"")),
    .trigger(
      TriggerDecision(
        .drift, isOpen: true,
        Evidence(value: 0.3, threshold: 0.25, unit: .stabilityIndex, count: 1_000, reason: "moved"))),
    .gates([
      GateDecision(
        .necessity, isOpen: false,
        Evidence(value: 0.1, threshold: 0.2, unit: .partOfOutputRange, count: 9, reason: "small"))
    ]),
    .staged(StagedCandidate(version: 3, digest: "ab", error: 0.1, matchesShape: true, seconds: 1)),
    .shadow(
      ShadowResult(
        version: 3, decisions: 5, meanDifference: 0.1, maxDifference: 0.3, threshold: 0.5, passed: true,
        reason: "close")),
    .promotion(PromotionRecord(version: 3, before: 2, isForced: false, seconds: 0.001)),
    .verdict(WatchVerdict(version: 3, outcome: .accepted, lossLimit: 0.05, significance: 0.01, seconds: 1)),
    .rollback(RollbackRecord(from: 3, to: 2, isAutomatic: true, backOffSeconds: 30)),
    .pin(PinRecord(version: 4, before: 2)),
    .command(.pause),
  ]

  @Test("every kind of record is read back as it was told, with its function and in its order")
  func roundTrip() throws {
    try withStore { store, settings in
      let now = Date().timeIntervalSince1970
      for record in Self.everyKind { store.add(StoredRecord(time: now, function: "f", record: record)) }
      #expect(store.settle())
      let read = try store.records(HistoryQuery(function: "f", limit: 100))
      #expect(read.map(\.record.kind) == LoopRecord.kinds)
      for (stored, told) in zip(read, Self.everyKind) where told.kind != "progress" {
        #expect(stored.record == told)
      }
      #expect(try store.records(HistoryQuery(kind: "gates")).count == 1)
      #expect(try store.records(HistoryQuery(function: "other")).isEmpty)
      #expect(try store.records(HistoryQuery(since: now + 1)).isEmpty)
      #expect(try store.records(HistoryQuery(limit: 2)).map(\.record.kind) == ["pin", "command"])
      store.stop()
      let archive = try HistoryArchive(directory: settings.state)
      #expect(try archive.history(ControlRequest(.history, limit: 100)).records.map(\.id) == read.map(\.id))
      #expect(try archive.why(function: nil).functions.map(\.function) == ["f"])
    }
  }

  @Test("of a function's decisions the newest are kept, to the bit, and found by their flow")
  func decisions() throws {
    func decision(_ number: UInt64) -> RecordedDecision {
      RecordedDecision(
        time: Double(number), kind: "classifier", sample: number, flow: 1 << 63 | number / 2, version: 1,
        features: [Int64.min, Int64(number)], outputs: [.max, -1], outcomes: [], featureFractionBits: 16,
        outputFractionBits: 12)
    }
    try withStore { store, settings in
      for start in stride(from: UInt64(0), to: 100, by: 10) {
        store.add(.decisions((start..<start + 10).map(decision), of: "f", limit: 25))
      }
      store.add(.decisions([decision(7)], of: "g", limit: 25))
      #expect(store.settle())
      let archive = try HistoryArchive(directory: settings.state)
      #expect(try archive.decisions(DecisionQuery(function: "f")) == (75..<100).map(decision))
      #expect(try archive.decisions(DecisionQuery(function: "f", limit: 2)) == [98, 99].map(decision))
      #expect(
        try archive.decisions(DecisionQuery(function: "f", flow: 1 << 63 | 40)) == [80, 81].map(decision))
      #expect(try archive.functionsWithDecisions() == ["f", "g"])
      #expect(throws: ControlError.self) { try DecisionRecords(archive, function: nil) }
      #expect(throws: ControlError.self) { try DecisionRecords(archive, function: "h") }
      let records = try DecisionRecords(archive, function: "f")
      #expect(try records.last(of: "\(UInt64(1) << 63 | 40)").sample == 81)
      #expect(try records.last(of: "flow \(UInt64(1) << 63 | 40)").sample == 81)
      #expect(throws: ControlError.self) { try records.last(of: "10.0.0.1") }
      #expect(throws: ControlError.self) { try records.snapshot(of: decision(99)) }
    }
  }

  @Test("a damaged file is moved aside and said so, and a new one takes the records")
  func damaged() throws {
    try withStore { settings in
      try Data(repeating: 0x5A, count: 8_192).write(to: URL(fileURLWithPath: settings.historyPath))
    } _: { store, settings in
      store.add(Self.batch(1))
      #expect(store.settle())
      #expect(try store.records(HistoryQuery()).count == 1)
      let health = store.health
      #expect(health.ok)
      #expect(health.failures > 0)
      let aside = try #require(health.movedAside.first)
      #expect(aside.hasPrefix(settings.historyPath + ".damaged-"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: aside)).count == 8_192)
    }
  }

  @Test("what cannot be written waits, then the oldest is given up and counted, and nobody is held up")
  func overflow() throws {
    try withStore { settings in
      // A directory in the file's place can be neither opened nor moved out of the way by SQLite.
      try FileManager.default.createDirectory(atPath: settings.historyPath, withIntermediateDirectories: true)
    } _: { store, _ in
      let begin = ContinuousClock.now
      for index in 0..<HistoryStore.queueLimit + 2_500 { store.add(Self.batch(index)) }
      #expect(ContinuousClock.now - begin < .seconds(5))
      let health = store.health
      #expect(!health.ok)
      #expect(health.lost >= 2_500)
      #expect(health.lastFailure != nil)
      #expect(throws: ControlError.self) { try store.records(HistoryQuery()) }
    }
  }

  @Test("old rows go by age, and the oldest by size, with the files of their snapshots")
  func retention() throws {
    try withStore { _, settings in
      let path = settings.state + "/other.sqlite"
      let database = try HistoryDatabase(path: path)
      // Times of a clock that runs backwards and is far ahead do not matter.
      for third in 0..<3 {
        let rows = (0..<1_000).map { Self.batch($0, at: 9e9 - Double(third * 1_000 + $0)) }
        try database.insert(rows.map { .record($0) }, age: Double(third) * 1_000)
      }
      // The newest ones stay: what runs now may have been staged long ago.
      for version in 0..<(HistoryDatabase.keptSnapshots + 1) {
        let kept = KeptSnapshot(
          time: 10, function: "f", version: UInt64(version), digest: "\(version)", name: "n",
          path: "/s/\(version).medulla", bytes: 1)
        try database.insert([.snapshot(kept)], age: 10)
      }
      let (rows, files) = try database.prune(before: 1_000, limit: .max)
      #expect(rows == 1_001)
      #expect(files == ["/s/0.medulla"])
      #expect(try database.records(HistoryQuery(limit: 5_000)).first?.time == 9e9 - 1_000)
      // What opens it next goes on where it was.
      #expect(try HistoryDatabase(path: path).age >= 2_000)
      _ = try database.prune(before: 0, limit: 1)
      #expect(try database.records(HistoryQuery(limit: 5_000)).isEmpty)
      try database.close()
    }
  }
}
