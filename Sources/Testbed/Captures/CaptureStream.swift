import MedullaBase
import MedullaFlows

/// Labelled flows of captures as one stream of frames: the first packets of each flow, in phases whose mix of
/// classes differs. In each phase flows have addresses of their own, so that they are new ones.
package struct CaptureStream: Sendable {
  /// A flow's first packets, and what it is.
  private struct Flow {
    let label: Int
    /// A network's inputs when it is decided; nil: it never is.
    let words: [Int64]?
  }

  private struct Capture {
    var frames: [(bytes: [UInt8], flow: Int)] = []
    var flows: [Flow?] = []

    /// What most of its flows are.
    var label: Int? {
      let counts = flows.compactMap { $0?.label }.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
      return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }
  }

  /// A phase, written down.
  package struct Written: Sendable {
    package let path: String
    package let frames: Int
    /// What each of its flows is.
    package let truth: [FlowKey: Int]
  }

  /// Captures whose frames come side by side, as in a network.
  private static let beside = 8
  /// What a link of Ethernet carries.
  private static let frameLimit = 1_514
  /// Between frames, in the file; whoever sends it has a pace of its own.
  private static let gapNanoseconds: UInt64 = 500_000

  private let captures: [Capture]
  /// Captures that are not of Ethernet, cannot be read, or have no flow of these classes.
  package let leftOut: [String]

  /// - Parameters:
  ///   - classes: which categories each has.
  ///   - packets: of each flow, at most.
  package init(
    _ folder: CaptureFolder, classes: [(name: String, categories: [String])], packets: Int,
    inputs: FlowInputs, at moment: DecisionMoment
  ) throws {
    let places = Dictionary(
      uniqueKeysWithValues: classes.enumerated().flatMap { place, each in
        each.categories.map { ($0, place) }
      })
    var (captures, leftOut) = ([Capture](), [String]())
    for name in folder.names {
      let read = try Self.read(name, of: folder, labels: places, packets: packets, inputs: inputs, at: moment)
      if let read { captures.append(read) } else { leftOut.append(name) }
    }
    (self.captures, self.leftOut) = (captures, leftOut)
  }

  private static func read(
    _ name: String, of folder: CaptureFolder, labels: [String: Int], packets: Int, inputs: FlowInputs,
    at moment: DecisionMoment
  ) throws -> Capture? {
    guard let file = try? CaptureFile(folder.capture(name)), file.link == .ethernet else { return nil }
    var meter = FlowMeter(idle: .seconds(3_600))
    var (capture, counts, words) = (Capture(), [Int](), [[Int64]?]())
    // Of a capture that ends in the middle, what is before counts.
    while let frame = try? file.next() {
      guard let place = try meter.take(frame, of: file.link) else { continue }
      if place == counts.count {
        counts.append(0)
        words.append(nil)
      }
      counts[place] += 1
      if moment.isNow(meter.flows[place], decided: words[place] != nil) {
        words[place] = inputs.words(of: meter.flows[place])
      }
      guard counts[place] <= packets, frame.bytes.count == frame.length, frame.length <= frameLimit else {
        continue
      }
      capture.frames.append((Array(frame.bytes), place))
    }
    let results = Dictionary(grouping: try ReferenceFlow.read(folder.results(name)), by: \.key)
    capture.flows = zip(meter.flows, words).map { flow, words in
      let categories = Set(results[ReferenceFlow.Key(flow)]?.map(\.category) ?? [])
      guard categories.count == 1, let category = categories.first,
        let label = category.flatMap({ labels[$0] })
      else { return nil }
      return Flow(label: label, words: words)
    }
    capture.frames.removeAll { capture.flows[$0.flow] == nil }
    return capture.frames.isEmpty ? nil : capture
  }

  /// Inputs and labels of the flows that are decided, of captures of these classes.
  package func rows(of labels: Set<Int>) -> (words: [[Int64]], labels: [Int]) {
    let own = captures.filter { $0.label.map(labels.contains) ?? false }
    let decided = own.flatMap(\.flows).compactMap { flow in
      flow.flatMap { flow in flow.words.map { ($0, flow.label) } }
    }
    return (decided.map(\.0), decided.map(\.1))
  }

  /// Writes the captures of some classes in an order drawn from a seed.
  ///
  /// - Parameter turn: by which addresses differ from those of other phases.
  package func write(
    _ labels: Set<Int>, to path: String, turn: Int, seed: UInt64
  ) throws -> Written {
    var generator = SeededGenerator(seed: seed)
    var waiting = captures.filter { $0.label.map(labels.contains) ?? false }.shuffled(using: &generator)
    let writer = try CaptureWriter(path)
    var (open, truth, count) = ([(capture: Capture, next: Int)](), [FlowKey: Int](), 0)
    while !open.isEmpty || !waiting.isEmpty {
      while open.count < Self.beside, let next = waiting.popLast() { open.append((next, 0)) }
      for place in open.indices {
        let (capture, next) = open[place]
        var (bytes, flow) = capture.frames[next]
        open[place].next += 1
        guard let key = TurnedFrame.turn(&bytes, by: turn), let own = capture.flows[flow] else { continue }
        truth[key] = own.label
        try writer.add(bytes, length: bytes.count, at: UInt64(count) * Self.gapNanoseconds)
        count += 1
      }
      open.removeAll { $0.next >= $0.capture.frames.count }
    }
    return Written(path: path, frames: count, truth: truth)
  }
}
