import Foundation
import MedullaAccelerators
import MedullaBase
import MedullaEngines
import MedullaPayload

/// What a network says of an object, or why it says nothing.
package struct InferenceAnswer: Encodable, Sendable {
  package struct Output: Encodable, Sendable, Equatable {
    package var index: Int
    package var value: Float
  }

  package var stream: UInt32
  package var object: UInt64
  /// The largest values of the first output, largest first.
  package var top: [Output] = []
  /// Milliseconds: from the first packet to the last, what the transfer took beyond, and the network.
  package var receiveMs: Double?
  package var transferMs: Double?
  package var computeMs: Double?
  package var totalMs: Double?
  package var error: String?
  /// Of an object that did not become whole: packets that came, and all of them.
  package var received: Int?
  package var total: Int?
  /// All outputs as the network wrote them; not among what is told.
  package var outputs: [[UInt8]] = []

  enum CodingKeys: String, CodingKey {
    case stream, object, top, error, received, total
    case receiveMs = "receive_ms"
    case transferMs = "transfer_ms"
    case computeMs = "compute_ms"
    case totalMs = "total_ms"
  }

  init(_ object: PayloadObject, _ result: ObjectResult, outputs: [TensorDescription], top count: Int) {
    stream = object.stream
    self.object = object.number
    func milliseconds(_ duration: Duration) -> Double { Double(duration.nanoseconds) / 1e6 }
    receiveMs = milliseconds(result.times.receiving)
    transferMs = milliseconds(result.times.transferring)
    computeMs = milliseconds(result.times.computing)
    totalMs = milliseconds(result.times.total)
    switch result.outcome {
    case .failed(let failure): error = failure.description
    case .outputs(let bytes):
      self.outputs = bytes
      if outputs.first?.element == .float32, let first = bytes.first {
        top = Self.largest(first.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }, count)
      }
    }
  }

  /// Of an object that expired.
  init(expired object: PayloadObject) {
    stream = object.stream
    self.object = object.number
    error = "expired: \(object.received) of \(object.total) packets came in time"
    received = object.received
    total = object.total
  }

  static func largest(_ values: [Float], _ count: Int) -> [Output] {
    values.enumerated().sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }.prefix(count)
      .map { Output(index: $0.offset, value: $0.element) }
  }
}
