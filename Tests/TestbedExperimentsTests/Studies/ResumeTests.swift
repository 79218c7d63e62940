import Foundation
import MedullaBase
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("A study that is interrupted and resumed")
struct ResumeTests {
  private static let number = Metric("number", "number")
  private static let sizes = Axis("sizes", "size", [1, 2, 3], in: 1...9)
  private let context = StudyContext(models: "nowhere")

  /// Ends after some trials, as one that is interrupted.
  private struct Interrupted: Error {}

  /// What the trials of a study were asked for.
  private final class Trials: @unchecked Sendable {
    var made: [String] = []
    var limit = Int.max
    var faulty: Set<String> = []
  }

  private func study(_ trials: Trials, order: Study.Order = .shuffled) -> Study {
    Study(
      "counting", "Count.", discussion: "", method: "Counting.", keys: [Self.sizes, Common.repeats],
      quick: { $0[Self.sizes] = [1] }, cells: { [StudyCell].one.times(Self.sizes, $0) },
      course: .trials(order) { _, _ in
        { cell, round in
          let name = "\(cell[Self.sizes]).\(round)"
          guard trials.made.count < trials.limit else { throw Interrupted() }
          trials.made.append(name)
          var reading = Reading(
            [Self.number: Double(cell[Self.sizes]) / 3], faults: trials.faulty.contains(name) ? ["late"] : [])
          reading.series["steps"] = [0.1, 0.2]
          return reading
        }
      }, metrics: [Self.number], figures: [.most("largest", Self.number)],
      bounds: [Bound("largest", .atLeast(0.9), .ours)], plots: [])
  }

  /// Runs until it is over or interrupted, and keeps the file as the command does.
  private func sit(_ study: Study, _ plan: StudyPlan, _ path: String, resuming: Bool) throws -> StudyResult? {
    let earlier = try resuming ? EarlierRuns(contentsOf: path, of: study, plan, context) : nil
    func write(_ result: StudyResult) throws {
      try Data(JSONText.encode(result).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
    do {
      let result = try study.perform(plan, context: context, resuming: earlier) { _, _, _, result in
        try write(result)
      }
      try write(result)
      return result
    } catch is Interrupted {
      return nil
    }
  }

  private func inDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory.appendingPathComponent("counting.json").path)
  }

  @Test("each trial is made once over all sittings, and the result says how many there were")
  func sittings() throws {
    try inDirectory { path in
      let trials = Trials()
      let study = study(trials)
      var sat = 0
      for limit in [2, 5] {
        trials.limit = limit
        #expect(try sit(study, study.plan, path, resuming: sat > 0) == nil)
        sat += 1
      }
      trials.limit = .max
      let result = try #require(try sit(study, study.plan, path, resuming: true))
      #expect(trials.made.count == 9 && Set(trials.made).count == 9)
      #expect(result.sittings == 3 && result.runs.count == 9 && result.verdict.met)
      #expect(result.runs.allSatisfy { $0.reading.series["steps"] == [0.1, 0.2] })
      let summary = try ResultSummary(contentsOf: path)
      #expect(summary.sittings == 3 && summary.runCount == 9)
      // Nothing is left to do: the file stays as it is, and so does their number.
      #expect(try sit(study, study.plan, path, resuming: true)?.sittings == 3 && trials.made.count == 9)
    }
  }

  @Test("a run that was taken over is the run that was made")
  func same() throws {
    try inDirectory { path in
      let trials = Trials()
      let study = study(trials, order: .asListed)
      let whole = try #require(try sit(study, study.plan, path, resuming: false))
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(whole.sittings == 1)
      _ = try sit(study, study.plan, path, resuming: true)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
  }

  @Test("runs with a fault are made again")
  func faults() throws {
    try inDirectory { path in
      let trials = Trials()
      let study = study(trials)
      trials.faulty = ["2.1"]
      let first = try #require(try sit(study, study.plan, path, resuming: false))
      #expect(!first.verdict.met && trials.made.filter { $0 == "2.1" }.count == 2)
      trials.faulty = []
      let second = try #require(try sit(study, study.plan, path, resuming: true))
      #expect(trials.made.count == 11 && trials.made.last == "2.1")
      #expect(second.verdict.met && second.sittings == 2 && second.runs.count == 9)
    }
  }

  @Test(
    "a file of something else is refused with what differs",
    arguments: [
      ("\"experiment\" : \"counting\"", "\"experiment\" : \"other\"", "experiment (other)"),
      ("\"schema\" : \(ResultSchema.version)", "\"schema\" : 99", "schema (99)"),
      ("\"repeats\" : 3", "\"repeats\" : 4", "plan (repeats was 4)"),
      ("\"seed\" : 1", "\"seed\" : 2", "plan (seed was 2)"),
      ("\"kernel\" : \"", "\"kernel\" : \"old-", "kernel (old-"),
      ("\"processor\" : \"", "\"processor\" : \"fast ", "machine ("),
      ("\"program\" : \"", "\"program\" : \"x", "build of this program"),
      ("\"method\" :", "\"network\" : \"x\", \"method\" :", "shipped network"),
    ])
  func refused(from old: String, to new: String, reason: String) throws {
    try inDirectory { path in
      let trials = Trials()
      let study = study(trials)
      _ = try sit(study, study.plan, path, resuming: false)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try #require(text.contains(old))
      try Data(text.replacing(old, with: new, maxReplacements: 1).utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: TestbedError.self) {
        try EarlierRuns(contentsOf: path, of: study, study.plan, context)
      }
      #expect(
        error?.code == .badParameter && error?.message.contains(reason) == true, "\(error?.message ?? "")")
      #expect(trials.made.count == 9)
    }
  }

  @Test("what is no result, and a study that is one course, cannot be resumed")
  func unreadable() throws {
    try inDirectory { path in
      let study = study(Trials())
      for text in ["", "{}", "[1]"] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: TestbedError.self) {
          try EarlierRuns(contentsOf: path, of: study, study.plan, context)
        }
        #expect(error?.code == .unreadableReport, "\(text)")
      }
      let error = #expect(throws: TestbedError.self) {
        try EarlierRuns(contentsOf: path, of: Soak.study, Soak.study.plan, context)
      }
      #expect(error?.code == .badParameter && error?.message.contains("one course") == true)
    }
  }
}
