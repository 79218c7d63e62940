import CMedullaABI
import Foundation
import MedullaBase
import MedullaFlows
import MedullaNF
import MedullaSnapshot

/// Tells what flows are of by the snapshots of the kernel: the same features, and the same integers of the
/// network.
///
/// A flow's packets go on until it is decided, and then to the branch of its class.
package final class FlowClassifierFunction: NetworkFunction {
  private static let sweepNanoseconds: UInt64 = 1_000_000_000

  private let interpreter: ReferenceInterpreter
  private let inputs: FlowInputs
  private let labels: [String]
  private let moment: DecisionMoment
  /// By class; nil: frames of it go on.
  private let branches: [Verdict?]
  private let margin: Int64
  private var meter: FlowMeter
  /// By a flow's place in the meter: its class, or -1 while it has none, or -2 where it is unsure.
  private var decisions: [Int32] = []
  private var counts: [UInt64]
  private var unsure: UInt64 = 0
  private var otherFrames: UInt64 = 0
  private var tooMany: UInt64 = 0
  private var swept: UInt64 = 0

  /// Options: `snapshot`, a bundle's or a snapshot's file of a network over flows; `at`, when to decide
  /// (`every`, `end`, or the number of a packet); `margin`; `idle_s`; `branches`, classes by their names to
  /// numbers of branches, and `drop`, classes whose frames are dropped.
  package init(_ options: FunctionOptions) throws {
    let path = try options.requiredString("snapshot")
    let file = try SnapshotFile(path: Self.snapshot(path))
    let shape = file.snapshot.shape
    guard let flows = shape.flows else {
      throw NFError(
        .badSettings, "\(path) does not say which features of flows its inputs are",
        remedy: "compile its model with --features FILE")
    }
    inputs = try FlowInputs(flows.features, fractionBits: shape.featureFractionBits)
    labels = flows.labels.isEmpty ? (0..<shape.outputs).map(String.init) : flows.labels
    let at = try options.string("at") ?? "8"
    guard let moment = DecisionMoment(at) else {
      throw NFError(
        .badSettings, "classifier: \"\(at.prefix(30))\" is no time to decide: every, end or a number")
    }
    self.moment = moment
    let least = try options.number("margin", in: 0...1e6) ?? 0
    margin = Int64((least * Double(Int64(1) << Int64(shape.outputFractionBits))).rounded())
    branches = try Self.branches(options, labels)
    interpreter = ReferenceInterpreter(file.snapshot)
    meter = FlowMeter(idle: .seconds(try options.integer("idle_s", in: 1...86_400) ?? 60))
    counts = Array(repeating: 0, count: labels.count)
  }

  /// The snapshot's file of a bundle, which is a folder.
  private static func snapshot(_ path: String) -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return path
    }
    return path + "/" + SnapshotBundle.snapshotName
  }

  private static func branches(_ options: FunctionOptions, _ labels: [String]) throws(NFError) -> [Verdict?] {
    var verdicts = [Verdict?](repeating: nil, count: labels.count)
    func place(_ label: String) throws(NFError) -> Int {
      if let place = labels.firstIndex(of: label) { return place }
      throw NFError(
        .badSettings, "classifier: the network has no class \"\(label.prefix(60))\"",
        remedy: "it has \(labels.joined(separator: ", "))")
    }
    for label in try options.strings("drop") ?? [] { verdicts[try place(label)] = .release }
    for (number, label) in (try options.strings("branches") ?? []).enumerated() {
      verdicts[try place(label)] = .branch(number)
    }
    return verdicts
  }

  package func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) throws {
    for frame in frames { port.return(frame, try verdict(of: frame)) }
  }

  private func verdict(of frame: Frame) throws -> Verdict {
    let time = frame.nanoseconds > 0 ? frame.nanoseconds : MonotonicClock.nanoseconds
    let seen = CaptureFrame(nanoseconds: time, bytes: frame.bytes, length: frame.bytes.count)
    let place: Int?
    do {
      place = try meter.take(seen, of: .ethernet)
    } catch {
      // More flows than are kept: its frames go on.
      tooMany += 1
      return .next
    }
    guard let place else {
      otherFrames += 1
      return .next
    }
    while decisions.count <= place { decisions.append(-1) }
    if moment.isNow(meter.flows[place], decided: decisions[place] != -1) { decide(place) }
    let decision = decisions[place]
    return decision < 0 ? .next : branches[Int(decision)] ?? .next
  }

  private func decide(_ place: Int) {
    let answer = ClassAnswer(interpreter.run(features: inputs.words(of: meter.flows[place])))
    guard answer.margin >= margin else {
      unsure += 1
      decisions[place] = -2
      return
    }
    counts[answer.row] += 1
    decisions[place] = Int32(answer.row)
  }

  package func look(by port: FunctionPort) {
    let now = MonotonicClock.nanoseconds
    if now - swept > Self.sweepNanoseconds {
      swept = now
      meter.forgetOver(at: now / 1_000) { decisions[$0] = -1 }
    }
    port.count("flows_open", UInt64(meter.openFlows))
    port.count("decided", counts.reduce(0, +))
    port.count("unsure", unsure)
    port.count("other_frames", otherFrames)
    port.count("too_many_flows", tooMany)
    for (label, count) in zip(labels, counts).prefix(16) {
      let name = label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "_" }.joined()
      port.count("class_" + name.prefix(17), count)
    }
  }
}
