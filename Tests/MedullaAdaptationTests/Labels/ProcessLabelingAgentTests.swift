import Foundation
import Glibc
import MedullaBase
import MedullaLabels
import MedullaModel
import Testing

@testable import MedullaAdaptation

@Suite("A labeling agent in a process of its own", .enabled(if: ProcessPeer.isPresent, "needs python3"))
struct ProcessLabelingAgentTests {
  @Test("it labels what it was asked about, in its own name")
  func labels() throws {
    let agent = try LabelerPeer.agent()
    defer { agent.close() }
    let requests = LabelerPeer.requests(7)
    let labels = try agent.label(requests)
    #expect(labels.map(\.sample) == requests.map(\.sample))
    #expect(labels.map(\.label) == [0, 1, 2, 0, 1, 2, 0])
    #expect(labels.allSatisfy { $0.agent == "peer" && $0.confidence == 0.5 && $0.cost == 0 })
    #expect(try agent.label([]).isEmpty && agent.starts == 1)
  }

  @Test("the greeting tells classes, features and options; flows arrive exactly, with facts and addresses")
  func exact() throws {
    let agent = try LabelerPeer.agent(
      """
      def hook(request, tensors):
          if request["request"] == "hello":
              assert request["role"] == "labeler" and request["protocol"] == 1, request
              assert request["classes"] == ["benign", "attack", "scan"], request
              assert request["features"] == ["rate", "log2(1+bytes)"] and request["inputs"] == 2, request
              assert request["options"] == {"depth": 3} and "model" not in request, request
              assert os.environ["MEDULLA_ADAPTER_STATE"].endswith("/medulla-labels-peer")
          if request["request"] != "label": return
          assert request["flows"] == 2 and request["facts"] == ["bytes", "packets"], request
          assert tensors["id"] == (2**64 - 1, 5) and tensors["time"] == (2**60 + 1, 0), tensors
          assert tensors["features"] == (1.5, -2, 0, 0.25) and tensors["prediction"] == (1, -1), tensors
          assert tensors["margin"] == (0.125, 0)
          numbers = struct.unpack("<4d", struct.pack("<4Q", *tensors["facts"]))
          assert numbers[:2] == (2**53 - 1, 0.1) and numbers[2] != numbers[2] and numbers[3] == 7, numbers
          mapped = (0,) * 10 + (255, 255)
          assert tensors["source"] == mapped + (192, 0, 2, 1) + (0,) * 16, tensors
          assert tensors["destination"] == (32, 1) + (0,) * 13 + (9,) + (0,) * 16, tensors
          assert tensors["ports"] == (65535, 443, 0, 0) and tensors["transport"] == (6, 0)
          reply(request, [5], [-1], [0.25])
          return True
      """
    ) {
      $0.options = ["depth": 3]
    }
    defer { agent.close() }
    let flow = FlowEndpoints(
      source: [192, 0, 2, 1], destination: [32, 1] + [UInt8](repeating: 0, count: 13) + [9],
      sourcePort: 65_535, destinationPort: 443, transport: 6)
    let labels = try agent.label([
      LabelRequest(
        sample: .max, nanoseconds: 1 << 60 + 1, flow: flow, features: [1.5, -2],
        facts: ["bytes": 0x1p53 - 1, "packets": 0.1], prediction: 1, margin: 0.125),
      LabelRequest(sample: 5, features: [0, 0.25], facts: ["packets": 7]),
    ])
    #expect(labels == [Label(sample: 5, agent: "peer", label: nil, confidence: 0.25)])
  }

  @Test("labels of flows that were asked about earlier are taken")
  func late() throws {
    let agent = try LabelerPeer.agent(
      """
      before = ()
      def hook(request, tensors):
          global before
          if request["request"] != "label": return
          reply(request, before, [1] * len(before))
          before = tensors["id"]
          return True
      """)
    defer { agent.close() }
    #expect(try agent.label(LabelerPeer.requests(2)).isEmpty)
    let labels = try agent.label([LabelRequest(sample: 9, features: [0, 0])])
    #expect(labels.map(\.sample) == [5 << 48, 5 << 48 + 1])
  }

  @Test("a fault is told with the process's own words, and the process is gone", arguments: LabelerFault.all)
  func faults(_ fault: LabelerFault) throws {
    let agent = try LabelerPeer.agent(
      "def hook(request, tensors):\n    if request['request'] == 'hello': return\n    \(fault.act)"
    ) {
      $0.deadline = fault.code == .timedOut ? .milliseconds(400) : .seconds(20)
      $0.restart.first = .seconds(60)
      $0.restart.longest = .seconds(60)
    }
    defer { agent.close() }
    let failure = ProcessPeer.failure { _ = try agent.label(LabelerPeer.requests(2)) }
    let found = try #require(failure, "\(fault.name)")
    #expect(found.code == fault.code && found.description.contains(fault.says), "\(fault.name): \(found)")
    #expect(found.message.hasPrefix("labeler peer, label"), "\(found)")
    #expect(agent.processIdentifier == nil)
    // Until it is started again nobody waits, and nothing that was asked is lost.
    let pause = #expect(throws: AgentNotReady.self) { try agent.label(LabelerPeer.requests(2)) }
    #expect(pause?.reason.contains("backing_off") == true, "\(String(describing: pause))")
  }

  @Test("a process that is an adapter is refused as a labeler, with what to do")
  func role() throws {
    let agent = try LabelerPeer.agent(
      "def hook(request, tensors): ok(request, {'protocol': 1}); return True")
    defer { agent.close() }
    let failure = ProcessPeer.failure { _ = try agent.label(LabelerPeer.requests(1)) }
    #expect(failure?.code == .malformedAnswer && failure?.remedy.contains("medulla.Labeler") == true)
  }

  @Test("flows of other features than the schema's are refused before the process sees them")
  func width() throws {
    let agent = try LabelerPeer.agent()
    defer { agent.close() }
    let failure = ProcessPeer.failure { _ = try agent.label([LabelRequest(sample: 1, features: [1])]) }
    #expect(failure?.code == .badRequest && agent.starts == 0)
  }

  @Test("at the desk a slow start costs no flow, and a crash only what it was at")
  func desk() throws {
    let agent = try LabelerPeer.agent(
      """
      def hook(request, tensors):
          if request["request"] == "hello": time.sleep(0.4)
          if request["request"] == "label" and 1000 in tensors["id"]: os._exit(1)
      """
    ) {
      $0.startPatience = .milliseconds(100)
    }
    let keeper = try Bookkeeper(path: nil, classes: 3)
    var settings = SeatSettings(firstWait: .milliseconds(20), longestWait: .milliseconds(50))
    settings.batch = 8
    let desk = try AgentDesk([.init(agent, settings)], classes: 3) { keeper.note($0) }
    defer { desk.close() }
    func ask(_ samples: Range<UInt64>) {
      let flows = samples.map {
        ChosenFlow(LabelRequest(sample: $0, features: [1, 1]), probability: 1, reason: .random)
      }
      desk.ask(keeper.ask(flows).map(\.request))
    }
    func until(_ count: Int) -> Bool {
      let end = ContinuousClock.now + .seconds(20)
      while keeper.book.counts.labelled < count, ContinuousClock.now < end { usleep(5_000) }
      return keeper.book.counts.labelled == count
    }
    ask(0..<20)
    #expect(until(20))
    ask(1_000..<1_001)
    for _ in 0..<4_000 where desk.states[0].counts.failures == 0 { usleep(5_000) }
    ask(2_000..<2_005)
    #expect(until(25))
    #expect(desk.states[0].counts.failures == 1 && keeper.book[1_000]?.labels.isEmpty == true)
  }
}
