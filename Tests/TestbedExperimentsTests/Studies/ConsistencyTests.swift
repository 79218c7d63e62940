import CMedullaABI
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaCongestion
@testable import TestbedExperiments
@testable import TestbedLink
@testable import TestbedMeasures

@Suite("The study of flow consistency")
struct ConsistencyTests {
  private let models: String
  private let snapshots: Consistency.Snapshots
  private let first: ReferenceInterpreter
  private let second: ReferenceInterpreter
  /// What a flow on a quiet path has seen.
  private let features = [Int64](repeating: 0, count: 30).enumerated().map {
    $0.offset % 3 == 0 ? Int64(0) : 65_536
  }

  init() throws {
    models = try ShippedNetwork.directory()
    snapshots = try Consistency.Snapshots(Consistency.study.plan, models: models)
    first = ReferenceInterpreter(snapshots.first)
    second = ReferenceInterpreter(snapshots.second)
  }

  private func flow(slot: Int, action: Int64, decisions: Int = 9, explains: Bool = true) -> CongestionFlow {
    var record = congestion_flow_record()
    record.slot = UInt32(slot)
    record.action = action
    record.decisions = UInt32(decisions)
    record.explains = explains ? 1 : 0
    withUnsafeMutableBytes(of: &record.features) { raw in
      let words = raw.bindMemory(to: Int32.self)
      for (index, value) in features.enumerated() { words[index] = Int32(value) }
    }
    return CongestionFlow(record, generation: 1, inputs: 30)
  }

  private func look(_ flows: [CongestionFlow]) -> ConsistencyLook {
    ConsistencyLook(flows, slots: (first: 0, second: 1), (first: first, second: second))
  }

  @Test("the two networks differ by twice the shift, which is much of what actions range over")
  func networks() {
    let actions = [first, second].map { $0.run(features: features)[0] }
    #expect(abs(Double(actions[1] - actions[0]) / 65_536 - 6) < 0.1)
    #expect(snapshots.change > 0.3 && snapshots.change < 0.5)
  }

  @Test("a flow's action is told by the bits of the snapshot that made it, whatever slot it says")
  func bits() {
    let (old, new) = (first.run(features: features)[0], second.run(features: features)[0])
    let all = look([flow(slot: 0, action: old), flow(slot: 1, action: new), flow(slot: 1, action: new)])
    #expect(all.on(0) == 1 && all.on(1) == 2 && all.deciding == 3)
    #expect(all.checked == 3 && all.first == 1 && all.second == 2 && all.wrong == 0)
    // It says that it is on the new snapshot and does what the old one says; and the other way round.
    #expect(look([flow(slot: 1, action: old)]).wrong == 1 && look([flow(slot: 0, action: new)]).wrong == 1)
    #expect(look([flow(slot: 0, action: old + 1)]).wrong == 1)
    #expect(look([flow(slot: 2, action: old)]).wrong == 1)
  }

  @Test("flows that never decide are iperf3's other ends, and an action without its features is not checked")
  func silent() {
    #expect(look([flow(slot: 0, action: 0, decisions: 0)]) == look([]))
    let unexplained = look([flow(slot: 0, action: 5, explains: false)])
    #expect(unexplained.on(0) == 1 && unexplained.checked == 0 && unexplained.wrong == 0)
  }

  @Test("networks that are scaled differ by what the factors differ by, and one that is the same by nothing")
  func changes() throws {
    let (network, samples) = try ShippedNetwork.read(models)
    let few = Array(samples.prefix(400))
    let family = try SnapshotFamily(network, samples: few)
    let scaled = try family.changes([0.7, 1.3].map { try network.scalingOutput(by: $0) })
    #expect(scaled.count == 2 && scaled[0] == scaled[1] && scaled[0] > 0.05 && scaled[0] < 0.2)
    #expect(try family.changes([network, network]) == [0, 0])
  }

  @Test("a dummy has the shipped network's layers, and its answer is the largest action for any features")
  func dummy() throws {
    let network = try SteeringNetwork(models: models)
    let dummy = try network.dummy()
    #expect(dummy.shape.inputs == network.snapshot.shape.inputs)
    #expect(dummy.shape.steps.count == network.snapshot.shape.steps.count)
    let interpreter = ReferenceInterpreter(dummy)
    for scale in [0, 1, 7] as [Int64] {
      let action = interpreter.run(features: features.map { $0 * scale })[0]
      #expect(abs(Double(action) / 65_536 - 10) < 0.01)
    }
  }
}
