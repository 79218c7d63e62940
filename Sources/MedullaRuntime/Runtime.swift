import MedullaSnapshot

/// One way to run a compiled network. A new engine or accelerator is one type that conforms, and one line in
/// the list of runtimes.
package protocol Runtime: Sendable {
  /// What commands call it: lower case, words joined by `-`.
  var name: String { get }
  /// One line for people.
  var summary: String { get }
  var promise: RuntimePromise { get }

  /// Why it cannot run on this machine, with what to do about it; nil where it can.
  var obstacle: RuntimeError? { get }

  /// Prepares one network. What it loaded before stays usable.
  ///
  /// - Throws: `unavailable` with the obstacle, or what stood in the way of this network.
  func load(_ network: CompiledNetwork) throws -> any LoadedNetwork
}

/// What a runtime's outputs are held to.
package enum RuntimePromise: Hashable, Sendable, CustomStringConvertible {
  /// The reference interpreter's bits, for every input.
  case exact
  /// Outputs differ from the float network's by at most this part of each output's range, for inputs in the
  /// calibrated ranges.
  case float(within: Double)

  package var description: String {
    switch self {
    case .exact: "the reference's bits"
    case .float(let part): "the float network, within \(part) of an output's range"
    }
  }
}

/// A network that is ready to run. Any number of threads may ask at once.
package protocol LoadedNetwork: AnyObject, Sendable {
  var shape: ProgramShape { get }

  /// Outputs of a batch, `[n][outputs]` for `[n][inputs]`, both fixed point with the shape's fraction bits.
  ///
  /// - Throws: `wrongSize` when a row has another number of features.
  func run(words rows: [[Int64]]) throws -> [[Int64]]

  /// The same in the network's units.
  ///
  /// - Throws: `notFinite` for a value that is no finite number, with its row and feature.
  func run(values rows: [[Float]]) throws -> [[Double]]

  /// What one inference costs, the mean over `repeats` of the same row.
  func time(_ features: [Int64], repeats: Int) throws -> InferenceTime

  /// What one inference costs where neither its code nor its data is in any cache, over `runs` of them; nil
  /// where the runtime cannot tell.
  ///
  /// - Throws: `unavailable` where this machine's caches cannot be emptied.
  func coldTime(_ features: [Int64], runs: Int) throws -> ColdTime?

  /// Counts about the loaded program by their JSON keys, such as instructions; empty where there are none.
  func facts() throws -> [String: Int]
}

/// Nanoseconds of one inference.
package struct InferenceTime: Hashable, Sendable {
  /// All of it.
  package var nanoseconds: Double
  /// What of it is the way of asking and would not be there in use.
  package var setUp: Double

  package init(nanoseconds: Double, setUp: Double = 0) {
    self.nanoseconds = nanoseconds
    self.setUp = setUp
  }

  package var inference: Double { nanoseconds - setUp }
}

extension LoadedNetwork {
  package func run(values rows: [[Float]]) throws -> [[Double]] {
    try checkFinite(rows)
    return try run(words: rows.map(shape.fixedPoint)).map(shape.values(ofOutputs:))
  }

  package func time(_ features: [Int64], repeats: Int) throws -> InferenceTime {
    let rows = [features]
    let clock = ContinuousClock()
    let start = clock.now
    for _ in 0..<repeats { _ = try run(words: rows) }
    return InferenceTime(
      nanoseconds: Double((clock.now - start).nanoseconds) / Double(max(repeats, 1)))
  }

  package func coldTime(_ features: [Int64], runs: Int) throws -> ColdTime? { nil }

  package func facts() throws -> [String: Int] { [:] }

  package func checkFinite(_ rows: [[Float]]) throws(RuntimeError) {
    for (index, row) in rows.enumerated() {
      guard let feature = row.firstIndex(where: { !$0.isFinite }) else { continue }
      throw RuntimeError(
        .notFinite, "feature \(feature) of row \(index) is \(row[feature])",
        remedy: "give finite numbers; rows and features are counted from 0")
    }
  }

  /// Checks a batch before it reaches code that trusts its size.
  package func check<Value>(_ rows: [[Value]]) throws(RuntimeError) {
    for row in rows where row.count != shape.inputs {
      throw RuntimeError(
        .wrongSize, "a row has \(row.count) features and the network \(shape.inputs) inputs",
        remedy: "give \(shape.inputs) values in each row")
    }
  }
}
