import CMedullaABI
import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFlows
import MedullaKernel
import MedullaSnapshot

/// Selection of paths at an interface's egress, by a network that predicts what each would cost a flow.
///
/// Output i is the cost of path i: log₂(1 + round trip in µs), and one more for each sixteenth of the
/// segments that is sent again. The least one is taken, of those that live; a path from which nothing comes
/// back is left. When a flow has ended, what it saw goes up with what was said of its path.
package struct PathSelection: InterfaceFunction {
  package let hook: FunctionHook
  package let settings: PathSettings

  package init(at hook: FunctionHook, _ settings: PathSettings) {
    (self.hook, self.settings) = (hook, settings)
  }

  package static let name = "paths"
  package static let main = ProgramSource(name: name, inputs: .paths, files: PathSources.main)
  package static let programs = [main]
  package static let sizes = NetworkSizes()
  package static let instanceMaps = [
    Maps.settings, Maps.states, Maps.counts, "paths_locks", "medulla_pairs", "medulla_locks",
  ]
  package static let outcomes = [
    OutcomeField("cost", unit: "log2(1+us)"), OutcomeField("path", unit: "path"),
    OutcomeField("rtt", unit: "us"), OutcomeField("repeated", unit: "1/1000000"),
    OutcomeField("marked", unit: "1/1000000"), OutcomeField("bytes", unit: "bytes"),
    OutcomeField("duration", unit: "us"),
  ]
  /// The path that the flow took, beside the one of least cost: flows may explore, and paths that cost alike
  /// share them.
  package static func answer(outputs: [Double], outcomes words: [Int64], fractionBits bits: Int) -> String? {
    guard words.count > Int(PATHS_OUTCOME_PATH.rawValue),
      let least = outputs.indices.min(by: { outputs[$0] < outputs[$1] })
    else { return nil }
    let taken = Int(words[Int(PATHS_OUTCOME_PATH.rawValue)])
    let unit = Double(sign: .plus, exponent: -bits, significand: 1)
    let cost = NumberText.short(exp2(Double(words[Int(PATHS_OUTCOME_COST.rawValue)]) * unit) - 1)
    let told = outputs.map { NumberText.short(exp2($0) - 1) }
    let why =
      taken == least ? "of least predicted cost" : "though path \(least) has the least predicted cost"
    return "path \(taken), \(why) (\(told.joined(separator: ", ")) us); it came to \(cost) us"
  }

  package static let keys = [
    FunctionKey("hook", .text, isRequired: true, example: "tc:eth0:egress"),
    FunctionKey("paths", .text, isRequired: true, example: "route; dev=eth1"),
    FunctionKey("margin", .number(0...32), example: "0.25"),
    FunctionKey("explore", .number(0...1e6), example: "16"),
    FunctionKey("flowlet_gap", .text, example: "500us"),
  ]

  enum Maps {
    static let settings = "paths_settings"
    static let states = "paths_states"
    static let counts = "paths_counts"
  }

  static let program = "paths_tc"

  package static func reward(memory: Duration) -> (any RewardMeasure)? { PathReward() }

  package static func title(of status: InstanceStatus) -> String {
    "path selection at \(status.hook ?? "no interface")"
  }

  package init(values: [String: FunctionValue]) throws {
    guard let hook = values["hook"]?.text, let paths = values["paths"]?.text else {
      throw DatapathError(.badConfiguration, "path selection needs a hook and paths")
    }
    var settings = try PathSettings(paths)
    if let margin = values["margin"]?.number { try settings.setMargin(margin) }
    if let flows = values["explore"]?.number { try settings.setExploration(flows) }
    if let gap = values["flowlet_gap"]?.text { try settings.setGap(gap) }
    self.init(at: try FunctionHook(hook), settings)
  }

  package func checkPrograms(of snapshot: DatapathSnapshot) throws {
    guard hook.point == .egress else {
      throw DatapathError(
        .badFunction, "packets have no path to choose at \(hook)", remedy: "attach at an interface's egress")
    }
    _ = try snapshot.object(of: Self.main)
    _ = try snapshot.object(of: Dispatcher.source)
    guard snapshot.outputs == settings.paths.count else {
      throw DatapathError(
        .wrongShape,
        "\(snapshot.name) gives costs of \(snapshot.outputs) paths, and there are \(settings.paths.count)",
        remedy: "give as many paths as the network has outputs")
    }
  }

  package func prepared(for name: InstanceName, _ snapshot: DatapathSnapshot) throws -> PathSelection {
    _ = try Hook.interfaceIndex(of: hook.interface)
    try checkPrograms(of: snapshot)
    _ = try settings.words(tag: 0, outputFractionBits: snapshot.outputFractionBits)
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
      // Not 0 without the low bits, which mean something else.
      let tag = UInt16.random(in: 1..<0x1000) << 4
      let words = try settings.words(tag: tag, outputFractionBits: snapshot.outputFractionBits)
      try set.map(Maps.settings).set(words, at: 0)
    }
    return set
  }
}

extension PathSelection {
  package var record: [UInt8] { InterfaceRecord(hook: hook, settings: settings).bytes }

  package init(record bytes: [UInt8]) throws {
    let record = try InterfaceRecord<PathSettings>(bytes, of: "path selection")
    self.init(at: try FunctionHook(record.hook), record.settings)
  }
}

/// How cheap the path was that a flow took: 1024 over two to its cost. A millisecond without losses is about
/// 1, and half of that time 2.
struct PathReward: RewardMeasure {
  let unit = RandomizationUnit.flow

  mutating func rewards(of samples: [FunctionSample]) -> [RewardSample] {
    samples.compactMap { sample in
      let place = Int(PATHS_OUTCOME_COST.rawValue)
      guard sample.outcomes.indices.contains(place) else { return nil }
      let cost = Double(sample.outcomes[place]) / Self.one
      return RewardSample(
        version: sample.version, unit: sample.flow, reward: exp2(10 - cost), time: sample.time)
    }
  }

  /// Outputs have 16 fraction bits unless a bundle was compiled with others; a common factor changes no
  /// verdict.
  private static let one = 65_536.0
}
