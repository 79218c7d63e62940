import Foundation
import MedullaBase
import MedullaSnapshot
import TestbedCases
import Testing

@testable import TestbedBaselines
@testable import TestbedLink
@testable import TestbedMeasures

@Suite("User-space inference, as it is set up")
struct BaselineUserSpaceTests {
  typealias Configuration = UserSpaceConfiguration

  @Test("the kernel's controller is the same unless intervals are to follow the reports")
  func controllers() {
    let kernel = Configuration(reporting: .everyAcknowledgement).congestion.controller
    for reporting in [
      Configuration.Reporting.everyAcknowledgement, .everyDecision, .every(.milliseconds(10)),
    ] {
      let same = Configuration(reporting: reporting).controller
      #expect(same.interval_fraction_q8 == kernel.interval_fraction_q8)
      #expect(same.interval_min_us == kernel.interval_min_us)
      #expect(same.interval_min_packets == kernel.interval_min_packets)
    }
    let acknowledgement = Configuration(reporting: .everyAcknowledgement, measuring: .reports).controller
    #expect(acknowledgement.interval_fraction_q8 == 0)
    #expect(acknowledgement.interval_min_packets == 1)
    let slow = Configuration(reporting: .every(.milliseconds(100)), measuring: .reports).controller
    #expect(slow.interval_min_us == 100_000)
    #expect(slow.rate_max == kernel.rate_max)
  }

  @Test("the kernel is told when to report and whether to wake")
  func settings() {
    #expect(Configuration(reporting: .everyAcknowledgement).settings == .init())
    let slow = Configuration(reporting: .every(.milliseconds(100)), waiting: .forcedWakeups).settings
    #expect(slow == .init(everyMicroseconds: 100_000, wakeup: 2, onlyDue: 0))
    let whole = Configuration(reporting: .every(.milliseconds(10)), measuring: .reports).settings
    #expect(whole == .init(everyMicroseconds: 10_000, holds: 1))
    let lean = Configuration(reporting: .everyDecision, waiting: .polling).settings
    #expect(lean == .init(everyMicroseconds: 0, wakeup: 1, onlyDue: 1))
  }

  @Test("intervals and processors that cannot be are refused")
  func refused() {
    #expect(throws: TestbedError.self) { try Configuration(reporting: .every(.zero)).validate() }
    #expect(throws: TestbedError.self) { try Configuration(reporting: .every(.seconds(61))).validate() }
    #expect(throws: TestbedError.self) {
      try Configuration(reporting: .everyDecision, processor: 100_000).validate()
    }
    #expect(throws: Never.self) { try Configuration(reporting: .everyDecision, processor: 0).validate() }
  }

  @Test("counts of a window are what was added since it began, over all processors")
  func window() {
    let agent = UserSpaceStatistics.Agent(
      answers: 1, wakeups: 1, seconds: 2, userSeconds: 0.5, systemSeconds: 0.5, meanNanoseconds: 1,
      medianNanoseconds: 1, percentile90Nanoseconds: 1, percentile99Nanoseconds: 1,
      percentile999Nanoseconds: 1, maximumNanoseconds: 1)
    let statistics = UserSpaceStatistics(
      [
        .init(acknowledgements: 10, reports: 5, dropped: 1),
        .init(acknowledgements: 20, due: 7, decisions: 6),
      ],
      since: .init(acknowledgements: 8, reports: 2), agent: agent)
    #expect(statistics.acknowledgements == 22)
    #expect(statistics.reports == 3)
    #expect(statistics.droppedReports == 1)
    #expect(statistics.decisionsDue == 7)
    #expect(statistics.decisions == 6)
    #expect(statistics.agent.processorShare == 0.5)
  }
}

extension RealLinks {
  /// That it counts, steers and tidies up; how fast it is, experiments say.
  @Suite(
    "User-space inference in this kernel", .serialized,
    .enabled(if: BaselineHost.canAttach, Comment(rawValue: BaselineHost.needs)))
  struct KernelBaselineUserSpaceTests {
    private func instance(
      _ prefix: String, _ configuration: UserSpaceConfiguration
    ) throws -> UserSpaceInference {
      try UserSpaceInference(
        name: "\(prefix)\(getpid())", programs: BaselineHost.programs.get(), configuration: configuration)
    }

    @Test("the native agent gives the interpreter's own bits, also for features out of range")
    func bits() throws {
      let snapshot = try BaselineHost.snapshot.get()
      let interpreter = ReferenceInterpreter(snapshot)
      let baseline = try instance("usb", .init(reporting: .everyDecision))
      try baseline.start()
      defer { _ = try? baseline.stop() }
      #expect(throws: TestbedError.self) { try instance("usb", .init(reporting: .everyDecision)).start() }
      var random = SeededGenerator(seed: 41)
      for decision in 1...200 {
        let span: Double = decision % 4 == 0 ? 4e9 : 400_000
        let features = (0..<30).map { _ in Int32(clamping: Int64((random.unit() - 0.5) * span)) }
        let action = try baseline.ask(features, decision: UInt32(decision))
        #expect(
          [Int64(action)] == interpreter.run(features: features.map(Int64.init)), "seed 41, draw \(decision)")
      }
      let statistics = try #require(try baseline.stop())
      #expect(statistics.agent.answers == 200)
      #expect(statistics.agent.medianNanoseconds > 0)
      #expect(statistics.agent.maximumNanoseconds >= statistics.agent.medianNanoseconds)
    }

    @Test(
      "flows are steered from user space, by any way of reporting and waiting",
      arguments: [
        UserSpaceConfiguration(reporting: .everyAcknowledgement),
        UserSpaceConfiguration(reporting: .every(.milliseconds(10)), waiting: .forcedWakeups),
        UserSpaceConfiguration(reporting: .every(.milliseconds(100)), measuring: .reports),
        UserSpaceConfiguration(reporting: .everyDecision, waiting: .polling, processor: 0),
      ])
    func steering(configuration: UserSpaceConfiguration) throws {
      let baseline = try instance("us", configuration)
      try baseline.start()
      defer { _ = try? baseline.stop() }
      #expect(CongestionControls.available().contains(baseline.congestion))
      let (result, window) = try BaselineHost.transfer(
        baseline.congestion, rate: 20e6, delayMilliseconds: 10, buffer: 100_000, seconds: 2)
      #expect(result.goodput(from: 1, to: 2) < 25e6)
      #expect(result.goodput(from: 0, to: 2) > (window.fellBehind ? 0 : 3e6))
      let statistics = try #require(try baseline.stop())
      #expect(statistics.acknowledgements > 50)
      #expect(statistics.decisionsDue > 2)
      #expect(statistics.decisions > 0)
      #expect(statistics.decisions <= statistics.decisionsDue)
      #expect(statistics.reports <= statistics.acknowledgements)
      #expect(statistics.agent.answers == statistics.reports)
      #expect(statistics.droppedReports == 0)
      if configuration.reporting == .everyAcknowledgement {
        #expect(statistics.reports > statistics.decisionsDue)
      }
      if configuration.reporting == .everyDecision {
        #expect(statistics.reports <= statistics.decisionsDue)
      }
      #expect(TestHost.becomes { !CongestionControls.available().contains(baseline.congestion) })
      #expect(baseline.processIdentifier == nil)
    }

    @Test("a flow whose user process has died goes on, and the loss is an error")
    func killed() throws {
      let baseline = try instance("usk", .init(reporting: .everyAcknowledgement))
      try baseline.start()
      let agent = try #require(baseline.processIdentifier)
      kill(agent, SIGKILL)
      let (result, _) = try BaselineHost.transfer(
        baseline.congestion, rate: 20e6, delayMilliseconds: 5, buffer: 100_000, seconds: 2)
      #expect(result.goodput(from: 0, to: 2) > 0)
      #expect(throws: TestbedError.self) { try baseline.stop() }
      #expect(TestHost.becomes { !CongestionControls.available().contains(baseline.congestion) })
    }

    @Test("an interpreter without ONNX Runtime is an error that says how to install it")
    func missing() throws {
      let model = BaselineHost.models + "/" + ShippedNetwork.Name.aurora.model
      // Isolated from installed packages.
      let script = FileManager.default.temporaryDirectory.appendingPathComponent("python-\(getpid())").path
      try "#!/bin/sh\nexec python3 -I -S \"$@\"\n".write(toFile: script, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
      defer { try? FileManager.default.removeItem(atPath: script) }
      let configuration = UserSpaceConfiguration(
        reporting: .everyDecision, engine: .onnxRuntime(python: script, model: model))
      let error = #expect(throws: TestbedError.self) { try instance("uso", configuration).start() }
      #expect(error?.code == .missingProgram)
      #expect(error?.message.contains("pip install onnxruntime") == true)
    }

    @Test(
      "ONNX Runtime's answers are the snapshot's within its error, and steer a flow",
      .enabled(if: BaselineHost.python != nil, "needs an interpreter with onnxruntime: `make setup`"))
    func onnxRuntime() throws {
      let model = BaselineHost.models + "/" + ShippedNetwork.Name.aurora.model
      let python = try #require(BaselineHost.python)
      let baseline = try instance(
        "usp", .init(reporting: .every(.milliseconds(1)), engine: .onnxRuntime(python: python, model: model)))
      try baseline.start()
      defer { _ = try? baseline.stop() }
      let interpreter = ReferenceInterpreter(try BaselineHost.snapshot.get())
      var random = SeededGenerator(seed: 43)
      for decision in 1...50 {
        // Near an empty path: no inflation, latency ratio and send ratio 1 and a little more.
        let features = (0..<30).map { Int32(($0 % 3 == 0 ? 0 : 65536) + random.unit() * 20_000) }
        let action = try baseline.ask(features, decision: UInt32(decision))
        let expected = interpreter.run(features: features.map(Int64.init))[0]
        #expect(abs(Int64(action) - expected) < 20_000, "seed 43, draw \(decision)")
      }
      try baseline.beginWindow()
      _ = try BaselineHost.transfer(
        baseline.congestion, rate: 20e6, delayMilliseconds: 10, buffer: 100_000, seconds: 2)
      let statistics = try #require(try baseline.stop())
      #expect(statistics.decisions > 2)
      #expect(statistics.agent.answers == statistics.reports)
    }
  }
}
