import MedullaBase
import MedullaLearning
import Testing

@testable import MedullaRetraining

@Suite("Gates of a classifier's snapshot")
struct ClassifierGatesTests {
  private static let rows = (0..<100).map { [Float($0 % 10) - 4.5, Float($0 / 10) - 4.5] }
  private static let standardization = Standardization(rows)

  /// Class 1 where the first input is above 0; `sign` −1: where it is below.
  private static func network(_ sign: Float) throws -> DenseNetwork {
    var network = try DenseNetwork(widths: [2, 2], activations: [.identity], seed: 1)
    network.parameters = [-sign, sign, 0, 0, 0, 0]
    return network
  }

  /// As `network(1)` where the second input is below 0, and class 1 everywhere else.
  private static func bent() throws -> DenseNetwork {
    var network = try DenseNetwork(widths: [2, 3, 2], activations: [.relu, .identity], seed: 1)
    // Hidden: x, −x, y; class 1 by x − (−x) + 8 y.
    network.parameters = [1, -1, 0, 0, 0, 1, 0, 0, 0] + [-1, 1, 1, -1, -8, 8] + [0, 0]
    return network
  }

  private static func readings(
    candidate: Float, inUse: Float?, labelled: Int = .max, heldOutIsRight: Bool = true,
    change: (inout ClassifierGates) -> Void = { _ in }
  ) throws -> [String: GateReading] {
    var gates = ClassifierGates()
    change(&gates)
    let own = try network(candidate)
    let made = try ClassifierSnapshot(own, standardization, calibration: rows)
    let heldOut = rows.prefix(labelled).map { row in
      TrainingRow(features: row, label: (row[0] > 0) == (heldOutIsRight == (candidate > 0)) ? 1 : 0)
    }
    let readings = gates.examine(
      made, own, standardization,
      inUse: try inUse.map { try ClassifierSnapshot(network($0), standardization, calibration: rows) },
      recent: rows, labelled: heldOut, heldOut: heldOut)
    return Dictionary(readings.map { ($0.name, $0) }) { first, _ in first }
  }

  @Test("agreement counts decisions that change, as far as labels do not account for them")
  func agreement() throws {
    let same = try #require(try Self.readings(candidate: 1, inUse: 1)["agreement"])
    #expect(same.value == 0 && same.isOpen)
    // The one in use is wrong about everything: all of its decisions may change.
    let better = try #require(try Self.readings(candidate: 1, inUse: -1)["agreement"])
    #expect(better.value == 1 && better.limit == 1 && better.isOpen)
    // Labels are of flows on which both agree; that the rest is turned around they do not say.
    let turned = try Self.readings(candidate: 1, inUse: -1, labelled: 0)
    #expect(turned["agreement"]?.isOpen == true)
    #expect(try Self.readings(candidate: 1, inUse: nil)["agreement"] == nil)
  }

  @Test("a candidate that agrees on all labelled flows and on no other is stopped")
  func unexplained() throws {
    let (one, other) = (try Self.network(1), try Self.bent())
    let inUse = try ClassifierSnapshot(one, Self.standardization, calibration: Self.rows)
    let made = try ClassifierSnapshot(other, Self.standardization, calibration: Self.rows)
    // Only of flows whose second input is small there are labels, and both are right about them.
    let heldOut = Self.rows.filter { $0[1] < 0 }.map { TrainingRow(features: $0, label: $0[0] > 0 ? 1 : 0) }
    let recent = Self.rows.filter { $0[1] > 0 }
    let readings = ClassifierGates().examine(
      made, other, Self.standardization, inUse: inUse, recent: recent, labelled: heldOut,
      heldOut: heldOut)
    let agreement = try #require(readings.first { $0.name == "agreement" })
    #expect(agreement.value > 0.4 && !agreement.isOpen, "\(agreement)")
  }

  @Test("the hold-out's accuracy is the integers' own, and its limit counts")
  func heldOut() throws {
    let right = try #require(try Self.readings(candidate: 1, inUse: nil)["held out"])
    #expect(right.value == 1 && right.isOpen)
    let wrong = try #require(try Self.readings(candidate: 1, inUse: nil, heldOutIsRight: false)["held out"])
    #expect(wrong.value == 0 && !wrong.isOpen)
    let strict = try Self.readings(candidate: 1, inUse: nil) { $0.leastHeldOut = 1.01 }
    #expect(strict["held out"]?.isOpen == false)
  }

  @Test("quantization counts decisions that integers change, and none of a network that is far from ties")
  func quantization() throws {
    let reading = try #require(try Self.readings(candidate: 1, inUse: nil)["quantization"])
    #expect(reading.value == 0 && reading.isOpen)
    let limit = try Self.readings(candidate: 1, inUse: nil) { $0.largestQuantizationChange = -0.1 }
    #expect(limit["quantization"]?.isOpen == false)
  }
}
