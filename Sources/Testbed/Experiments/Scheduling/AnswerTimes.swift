import Foundation
import TestbedBaselines
import TestbedLink
import TestbedMeasures

/// How long an answer takes by each way, as the simulated fabrics are told: what `fig15` measured on a
/// machine, or stated times of another.
struct AnswerTimes: Equatable, Sendable {
  /// Nanoseconds by the name of a scheme.
  private(set) var nanoseconds: [String: Int]
  /// Where they come from, for the result.
  private(set) var source: String

  /// Medians on one core of two of an EPYC, 2026-11-21: a ring buffer with an eventfd, a pipe (in place of a
  /// character device), netlink; in the kernel 0.2 µs by test run, 0.4 to 0.7 µs live with cold caches.
  static let stated = AnswerTimes(
    nanoseconds: ["kernel": 400, "ring": 3_800, "char": 4_200, "netlink": 6_300],
    source: "stated, of an EPYC with two cores (docs/results/2026-11-21-epyc-2-cores.md)")

  /// The cell of `fig15` that tells a scheme's time, asker and answerer on one processor. The kernel's holds
  /// the set-up of a test run, so that it is rather too long.
  private static let cells: [String: LatencyCell] = [
    "kernel": LatencyCell(.kernel), "ring": LatencyCell(.ringBuffer), "char": LatencyCell(.pipe),
    "netlink": LatencyCell(.netlink),
  ]

  private struct File: Decodable {
    struct Run: Decodable {
      let cell: [String: String]
      let values: [String: Double]
    }
    let experiment: String
    let runs: [Run]
  }

  private init(nanoseconds: [String: Int], source: String) {
    (self.nanoseconds, self.source) = (nanoseconds, source)
  }

  /// - Parameter path: a result file of `fig15`; empty: the stated times.
  /// - Throws: `unreadableReport` for anything else, `fileFailed` where there is none.
  init(fig15 path: String) throws {
    guard !path.isEmpty else {
      self = .stated
      return
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TestbedError(
        .fileFailed, "\(path) cannot be read.", remedy: "Run `medulla experiment fig15 --out DIR` first.")
    }
    guard let file = try? JSONDecoder().decode(File.self, from: data), file.experiment == "fig15" else {
      throw Self.unreadable(path, "it is no result of fig15")
    }
    nanoseconds = try Self.cells.reduce(into: [:]) { times, way in
      let own = file.runs.filter { $0.cell["way"] == way.value.title }
        .compactMap { $0.values[PredictionLatency.median.key] }
      let time = Statistics.quantile(own, 0.5)
      guard time >= 1, time <= 1e9 else {
        throw Self.unreadable(path, "it has no time of \(way.value.title)")
      }
      times[way.key] = Int(time.rounded())
    }
    source = "medians of fig15 in \(path)"
  }

  private static func unreadable(_ path: String, _ reason: String) -> TestbedError {
    TestbedError(
      .unreadableReport, "\(path) cannot be read: \(reason).",
      remedy: "Name the file that `medulla experiment fig15` wrote, all ways measured.")
  }

  /// Of a scheme by its name, variants included (`char/last`); nil where no way of fig15 is meant.
  func nanoseconds(of scheme: String) -> Int? {
    nanoseconds[String(scheme.prefix { $0 != "/" })]
  }

  /// In one line, with every time.
  var text: String {
    let times = nanoseconds.sorted { $0.value < $1.value }.map { "\($0.key) \($0.value) ns" }
    return "answer times \(times.joined(separator: ", ")): \(source)"
  }
}
