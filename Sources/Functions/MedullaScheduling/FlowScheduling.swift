import CMedullaABI
import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFlows
import MedullaKernel
import MedullaSnapshot

/// Scheduling of flows at an interface's egress, by a network that predicts their size.
///
/// Its one output is log₂(1 + bytes) of the whole flow. The size is a band, and the band is a class for the
/// qdisc, a code point for the network, or both. When a flow ends its true size goes up with what was said of
/// it, so that the slow path learns without labels from anyone.
package struct FlowScheduling: InterfaceFunction {
  package let hook: FunctionHook
  package let settings: SchedulingSettings

  package init(at hook: FunctionHook, _ settings: SchedulingSettings = SchedulingSettings()) {
    (self.hook, self.settings) = (hook, settings)
  }

  package static let name = "scheduling"
  package static let sizes = NetworkSizes(outputs: 1)
  package static let main = ProgramSource(
    name: name, sizes: sizes, inputs: .flows, files: SchedulingSources.main)
  package static let programs = [main]
  package static let instanceMaps = [
    Maps.settings, Maps.counts, "scheduling_sizes", "scheduling_queue", "scheduling_locks", "medulla_pairs",
    "medulla_locks",
  ]
  package static let outcomes = [
    OutcomeField("size", unit: "log2(1+bytes)"), OutcomeField("bytes", unit: "bytes"),
    OutcomeField("packets", unit: "packets"), OutcomeField("duration", unit: "us"),
    OutcomeField("band", unit: "band"),
  ]
  package static func answer(outputs: [Double], outcomes words: [Int64], fractionBits bits: Int) -> String? {
    guard words.count > Int(SCHEDULING_OUTCOME_BAND.rawValue), let predicted = outputs.first else {
      return nil
    }
    let bytes = NumberText.short(max(exp2(predicted) - 1, 0))
    return
      "band \(words[Int(SCHEDULING_OUTCOME_BAND.rawValue)]) by a predicted size of \(bytes) bytes; it had "
      + "\(words[Int(SCHEDULING_OUTCOME_BYTES.rawValue)])"
  }

  package static let keys = [
    FunctionKey("hook", .text, isRequired: true, example: "tc:eth0:egress"),
    FunctionKey("bands", .text, example: "10KiB,100KiB,1MiB"),
    FunctionKey("priority", .text, example: "1:1"),
    FunctionKey("dscp", .text, example: "46,26,10,0"),
    FunctionKey("packets", .text, example: "1"),
    FunctionKey("demotion", .number(0...1), example: "1"),
    FunctionKey("admission", .text, example: "100mbit,256KiB"),
  ]

  enum Maps {
    static let settings = "scheduling_settings"
    static let counts = "scheduling_counts"
  }

  static let program = "scheduling_tc"

  package static func reward(memory: Duration) -> (any RewardMeasure)? { SizeReward() }

  package static func title(of status: InstanceStatus) -> String {
    "flow scheduling at \(status.hook ?? "no interface")"
  }

  package init(values: [String: FunctionValue]) throws {
    guard let hook = values["hook"]?.text else {
      throw DatapathError(.badConfiguration, "flow scheduling needs a hook")
    }
    var settings = SchedulingSettings()
    if let text = values["bands"]?.text { try settings.setBands(text) }
    if let text = values["priority"]?.text { try settings.setPriority(text) }
    if let text = values["dscp"]?.text { try settings.setMarks(text) }
    if let text = values["packets"]?.text { settings.moment = try Self.moment(text) }
    if let number = values["demotion"]?.number { settings.demotes = number != 0 }
    if let text = values["admission"]?.text { try settings.setAdmission(text) }
    self.init(at: try FunctionHook(hook), settings)
  }

  /// - Throws: `badConfiguration`; at a flow's end there is nothing to schedule any more.
  package static func moment(_ text: String) throws(DatapathError) -> DecisionMoment {
    guard let moment = DecisionMoment(text), moment != .end else {
      throw DatapathError(
        .badConfiguration, "\"\(text)\" is no moment to schedule a flow at",
        remedy: "give the number of a packet, from 1, or every")
    }
    return moment
  }

  package func checkPrograms(of snapshot: DatapathSnapshot) throws {
    guard hook.point == .egress || hook.point == .both else {
      throw DatapathError(
        .badFunction, "packets are not scheduled at \(hook)", remedy: "attach at an interface's egress")
    }
    _ = try snapshot.object(of: Self.main)
    _ = try snapshot.object(of: Dispatcher.source)
    try settings.check()
  }

  package func prepared(for name: InstanceName, _ snapshot: DatapathSnapshot) throws -> FlowScheduling {
    _ = try Hook.interfaceIndex(of: hook.interface)
    try checkPrograms(of: snapshot)
    return self
  }

  package func load(
    _ snapshot: DatapathSnapshot, for name: InstanceName, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    let object = try BPFObject(bytes: snapshot.object(of: Self.main), name: Self.name)
    return try programSet(of: object, snapshot, shared: shared)
  }

  /// The object with its settings.
  func programSet(
    of object: BPFObject, _ snapshot: DatapathSnapshot, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    let set = try dispatched(object, main: Self.program, snapshot, shared: shared)
    if case .new = shared {
      let words = settings.words(outputFractionBits: snapshot.outputFractionBits)
      try set.map(Maps.settings).set(words, at: 0)
    }
    return set
  }
}

extension FlowScheduling {
  package var record: [UInt8] { InterfaceRecord(hook: hook, settings: settings).bytes }

  package init(record bytes: [UInt8]) throws {
    let record = try InterfaceRecord<SchedulingSettings>(bytes, of: "flow scheduling")
    self.init(at: try FunctionHook(record.hook), record.settings)
  }
}

/// How close a flow's predicted size was to the true one: 1 / (1 + d), with the difference d in powers of
/// two. Near 1 small differences are small parts of it, which a watch for a loss needs.
struct SizeReward: RewardMeasure {
  let unit = RandomizationUnit.flow

  mutating func rewards(of samples: [FunctionSample]) -> [RewardSample] {
    samples.compactMap { sample in
      guard let said = sample.outputs.first,
        sample.outcomes.indices.contains(Int(SCHEDULING_OUTCOME_SIZE.rawValue))
      else { return nil }
      let size = sample.outcomes[Int(SCHEDULING_OUTCOME_SIZE.rawValue)]
      let difference = abs(Double(said) - Double(size)) / Self.one
      return RewardSample(
        version: sample.version, unit: sample.flow, reward: 1 / (1 + difference), time: sample.time)
    }
  }

  /// Outputs have 16 fraction bits unless a bundle was compiled with others; a common factor changes no
  /// verdict.
  private static let one = 65_536.0
}
