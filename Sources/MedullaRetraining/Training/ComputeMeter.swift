/// What learning has cost: multiplications with an addition, and seconds of a processor that the caller
/// timed.
package struct ComputeMeter: Sendable, Equatable, Codable {
  package private(set) var training: UInt64 = 0
  /// Of the witnesses: histograms, proxies, the guard's and the gates' passes.
  package private(set) var watching: UInt64 = 0
  package private(set) var seconds = 0.0
  package private(set) var trainings = 0

  package init() {}

  package var multiplyAccumulates: UInt64 { training &+ watching }

  /// A pass forward and back takes three times the forward one: outputs, slopes by weights, slopes by inputs.
  package static let passesOfStep: UInt64 = 3

  package mutating func noteSteps(rows: Int, network: Int) {
    training &+= UInt64(max(rows, 0)) &* UInt64(max(network, 0)) &* Self.passesOfStep
  }

  /// Forward passes of the training itself, such as over rows that are held out.
  package mutating func noteTrainingPasses(rows: Int, network: Int) {
    training &+= UInt64(max(rows, 0)) &* UInt64(max(network, 0))
  }

  package mutating func noteWatching(_ operations: Int) { watching &+= UInt64(max(operations, 0)) }
  package mutating func noteTraining() { trainings += 1 }
  package mutating func noteSeconds(_ value: Double) { seconds += max(value, 0) }
}
