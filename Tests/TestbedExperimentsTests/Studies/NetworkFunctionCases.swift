@testable import TestbedExperiments
@testable import TestbedLink

/// A good and a useless variant of each study of network functions.
enum NetworkFunctionCases {
  static let all = [
    StudyFixture(
      Forwarding.study, good: { forwarded($0, function: 2.7) }, useless: { forwarded($0, function: 0.3) }),
    StudyFixture(
      Forwarding.table2,
      good: { ["received_mpps": $0.text("pages") == "huge" ? 4 : 1, "gbps": 3] },
      // The kind of pages makes no difference.
      useless: { _ in ["received_mpps": 4, "gbps": 10] }),
    StudyFixture(Transfers.fig5, good: { moved($0) }, useless: { _ in same }),
    StudyFixture(Transfers.fig9, good: { moved($0) }, useless: { _ in same }),
    StudyFixture(ImageInference.fig10, good: imaged, useless: { _ in alike }),
    StudyFixture(ImageInference.fig11, good: imaged, useless: { _ in alike }),
    StudyFixture(ImageInference.fig12, good: imaged, useless: { _ in alike }),
    StudyFixture(
      StreamTraining.study,
      good: { ["images_per_second": $0.text("way") == "function" ? 60_000 : 20_000, "accuracy": 0.78] },
      // As fast as it may be, it has learned nothing.
      useless: {
        let isOwn = $0.text("way") == "function"
        return ["images_per_second": isOwn ? 60_000 : 20_000, "accuracy": isOwn ? 0.1 : 0.78]
      }),
    StudyFixture(
      FileTypeAnswers.study,
      good: { _ in ["files": 205, "same": 1, "function_us": 1_100, "engine_us": 1_000, "ratio": 1.1] },
      // Fast, and wrong.
      useless: { _ in ["files": 205, "same": 0.5, "function_us": 10, "engine_us": 1_000, "ratio": 0.01] }),
    StudyFixture(
      Overload.study, good: { loaded($0, goodput: 11.9) },
      // It admits all and answers what it can no longer answer in time.
      useless: { loaded($0, goodput: 3) }),
    StudyFixture(
      Overload.services, good: { loaded($0, goodput: 11.9) },
      // All are answered, and late.
      useless: { loaded($0, goodput: 12).merging(["p99_over_bound": 3]) { $1 } }),
    StudyFixture(
      ImageModes.study,
      good: {
        let networks: [String: Double] = ["spin": 7, "yield": 6, "socket": 5]
        let network = networks[$0.text("way")] ?? 3.6
        return ["total_ms": network + 0.5, "receive_ms": 0.4, "transfer_ms": 0.1, "compute_ms": network]
      }, useless: { _ in alike }),
  ]

  private static func forwarded(_ cell: StudyCell, function: Double) -> [String: Double] {
    let rates = ["xdp": 3.4, "testpmd": 2.0]
    return ["received_mpps": rates[cell.text("way")] ?? function, "sent_mpps": 3.4, "gbps": 20]
  }

  private static func moved(_ cell: StudyCell) -> [String: Double] {
    let times = ["per-packet": 4_100.0, "staged": 1_370, "batched-copy": 700, "pull": 600]
    let time = times[cell.text("policy")] ?? 500
    return ["transfer_us": time, "beyond_us": time / 2, "processor_us": time, "kilocycles": time * 3]
  }

  private static let same = ["transfer_us": 600.0, "beyond_us": 10, "processor_us": 600]

  private static func imaged(_ cell: StudyCell) -> [String: Double] {
    let transfers = ["per-packet": 8.5, "staged": 1.4, "socket": 2, "pull-whole": 0.5]
    let transfer = transfers[cell.text("way")] ?? 0.1
    return ["total_ms": 4.2 + transfer, "receive_ms": 0.6, "transfer_ms": transfer, "compute_ms": 3.6]
  }

  private static let alike = ["total_ms": 5.0, "receive_ms": 0.6, "transfer_ms": 0.5, "compute_ms": 3.9]

  private static func loaded(_ cell: StudyCell, goodput: Double) -> [String: Double] {
    let load = cell.text("load")
    return [
      "goodput": load == "twice" ? goodput : 12, "p50_ms": 300, "p99_ms": load == "unadmitted" ? 3_000 : 450,
      "p99_over_bound": 0.9, "refused": 100, "expired": 0, "wrong": 0,
    ]
  }
}
