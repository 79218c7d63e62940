import MedullaBase
import MedullaDatapath
import MedullaModel
import Testing

@testable import MedullaAdaptation

/// What every adapter owes the slow path, whatever it is written in: one suite that runs over all of them.
enum AdapterContract {
  /// - Parameters:
  ///   - make: gives a new adapter at its start; all that it gives must behave alike.
  ///   - teach: batches that an adapter of this kind can learn from, in order.
  ///   - lossFigure: the figure of `Progress` that must fall while it learns; nil: the stability value.
  ///   - tolerance: between `evaluate` and the float reference of the frozen network.
  static func check(
    teach: [Batch], lossFigure: String? = nil, tolerance: Float = 1e-5, _ make: () throws -> any Adapter
  ) throws {
    try checkSizes(make)
    try checkFreezing(teach, tolerance, make)
    try checkOddBatches(teach, make)
    try checkDeterminism(teach, make)
    try checkLearning(teach, lossFigure, make)
  }

  /// Inputs in the range of ordinary features, from a seed.
  static func inputs(_ adapter: any Adapter, count: Int = 24, seed: UInt64 = 7) -> [[Float]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      (0..<adapter.inputs).map { _ in Float.random(in: -1...2, using: &generator) }
    }
  }

  private static func with(_ make: () throws -> any Adapter, _ body: (any Adapter) throws -> Void) throws {
    let adapter = try make()
    defer { adapter.close() }
    try body(adapter)
  }

  private static func checkSizes(_ make: () throws -> any Adapter) throws {
    try with(make) { adapter in
      let network = try adapter.freeze()
      #expect(adapter.inputs > 0 && adapter.outputs > 0)
      #expect(network.inputShape.count == adapter.inputs)
      #expect(network.outputShape.count == adapter.outputs)
      let outputs = try adapter.evaluate(inputs(adapter, count: 3))
      #expect(outputs.map(\.count) == [Int](repeating: adapter.outputs, count: 3))
      let none = try adapter.evaluate([])
      #expect(none.isEmpty)
    }
  }

  private static func checkFreezing(
    _ teach: [Batch], _ tolerance: Float, _ make: () throws -> any Adapter
  ) throws {
    try with(make) { adapter in
      for batch in [Batch()] + teach.prefix(3) {
        _ = try adapter.adapt(batch)
        let reference = FloatReference(try adapter.freeze())
        let rows = inputs(adapter)
        for (row, outputs) in zip(rows, try adapter.evaluate(rows)) {
          for (expected, output) in zip(try reference.run(row), outputs) {
            #expect(abs(expected - output) <= tolerance * max(1, abs(expected)))
          }
        }
      }
    }
  }

  private static func checkOddBatches(_ teach: [Batch], _ make: () throws -> any Adapter) throws {
    try with(make) { adapter in
      func check(_ batch: Batch, _ what: Comment) throws {
        let progress = try adapter.adapt(batch)
        #expect(progress.stability.isFinite, what)
      }
      try check(Batch(), "an empty batch")
      try check(Batch(dropped: 5), "a batch of which all was dropped")
      if let sample = teach.first?.samples.first {
        try check(Batch(samples: [sample]), "one sample")
        var bare = sample
        bare.outcomes = []
        try check(Batch(samples: [bare]), "a sample without outcomes")
        // What cannot be learned from may be refused, but the adapter lives on.
        bare.outcomes = [Int64](repeating: .max, count: sample.outcomes.count)
        _ = try? adapter.adapt(Batch(samples: [bare]))
      }
      for batch in teach.prefix(2) { try check(batch, "after all that") }
      let network = try adapter.freeze()
      #expect(network.inputShape.count == adapter.inputs)
    }
  }

  private static func checkDeterminism(_ teach: [Batch], _ make: () throws -> any Adapter) throws {
    func run() throws -> (Network, [Progress]) {
      let adapter = try make()
      defer { adapter.close() }
      let progress = try teach.prefix(3).map { try adapter.adapt($0) }
      return (try adapter.freeze(), progress)
    }
    let (first, second) = (try run(), try run())
    #expect(first.0 == second.0)
    #expect(first.1 == second.1)
  }

  private static func checkLearning(
    _ teach: [Batch], _ figure: String?, _ make: () throws -> any Adapter
  ) throws {
    try with(make) { adapter in
      var values: [Double] = []
      for batch in teach {
        let progress = try adapter.adapt(batch)
        #expect(progress.stability.isFinite)
        values.append(try #require(figure.map { progress.figures[$0] } ?? progress.stability))
      }
      let first = try #require(values.first)
      let last = try #require(values.last)
      #expect(last < first, "the loss went from \(first) to \(last)")
    }
  }
}
