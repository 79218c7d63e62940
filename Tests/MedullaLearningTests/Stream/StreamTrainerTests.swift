import MedullaBase
import MedullaPayload
import Testing

@testable import MedullaLearning

@Suite("Training on a stream")
struct StreamTrainerTests {
  static let samples = 10
  let set = ImageSet.bars(count: 200, seed: 1)

  private func network() throws -> ConvolutionalNetwork {
    try ConvolutionalNetwork(input: set.shape, layers: ConvolutionTrainerTests.bars, seed: 2)
  }

  private func stream(rate: Float = 0.05) throws -> StreamTrainer {
    let format = try BatchFormat(
      samples: Self.samples, shape: set.shape, element: .float32, label: .int64)
    return try StreamTrainer(
      network(), rule: .momentum(rate: rate, momentum: 0.5), options: .init(seed: 3, scale: .asIs),
      format: format)
  }

  private func object(_ number: Int) -> [UInt8] {
    set.bytes(number * Self.samples..<(number + 1) * Self.samples)
  }

  /// An object cut into pieces that lie in another order in a packet memory with gaps.
  private func scattered(_ object: [UInt8], seed: UInt64) -> (memory: [UInt8], pieces: [PayloadPiece]) {
    var generator = SeededGenerator(seed: seed)
    var pieces: [PayloadPiece] = []
    var next = 0
    while next < object.count {
      let length = min(Int(generator.next() % 1_400) + 1, object.count - next)
      pieces.append(PayloadPiece(source: 0, destination: next, length: length))
      next += length
    }
    pieces.shuffle(using: &generator)
    var memory: [UInt8] = []
    for index in pieces.indices {
      memory += [UInt8](repeating: 0xEE, count: Int(generator.next() % 60))
      pieces[index].source = memory.count
      let piece = pieces[index]
      memory += object[piece.destination..<piece.destination + piece.length]
    }
    return (memory, pieces)
  }

  @Test("a stream of batches in pieces trains the very network that the batches do one after another")
  func equalsBatches() throws {
    let stream = try stream()
    let trainer = try ConvolutionTrainer(
      network(), rule: .momentum(rate: 0.05, momentum: 0.5), options: .init(seed: 3, scale: .asIs))
    var expected = BatchOutcome()
    for number in 0..<20 {
      let object = object(number)
      expected += try object.withUnsafeBytes { try trainer.step(TrainingBatch($0, stream.format)) }
      if number % 3 == 0 {
        #expect(try object.withUnsafeBytes { try stream.offer($0, waits: true) })
      } else {
        let (memory, pieces) = scattered(object, seed: UInt64(number))
        #expect(try memory.withUnsafeBytes { try stream.offer(pieces, in: $0, waits: true) })
      }
    }
    let (network, report) = try stream.finish()
    #expect(network == trainer.network)
    #expect(report.outcome == expected)
    #expect(report.batches == 20 && report.refused == 0 && report.malformed == 0)
    #expect(report.training > .zero && report.training <= report.elapsed)
    #expect(report.imagesPerSecond > 0 && report.imagesPerSecond <= report.imagesPerTrainingSecond)
    let unseen = ImageSet.bars(count: 50, seed: 5)
    let ours = try unseen.withBatch { try stream.evaluate($0) }
    #expect(try unseen.withBatch { try trainer.evaluate($0) } == ours)
  }

  @Test("what is no batch is refused by name and counted, and the stream goes on")
  func malformed() throws {
    let stream = try stream()
    let good = object(0)
    let half = good.count / 2
    let cases: [[PayloadPiece]] = [
      [],
      [PayloadPiece(source: 0, destination: 0, length: good.count - 1)],
      [PayloadPiece(source: 1, destination: 0, length: good.count)],
      [PayloadPiece(source: -1, destination: 0, length: good.count)],
      [PayloadPiece(source: 0, destination: 0, length: good.count + 1)],
      // A gap, with as many bytes twice.
      [
        PayloadPiece(source: 0, destination: 0, length: half),
        PayloadPiece(source: 0, destination: 1, length: good.count - half),
      ],
      [
        PayloadPiece(source: 0, destination: 0, length: good.count),
        PayloadPiece(source: 0, destination: good.count, length: 0),
      ],
      [PayloadPiece(source: .max, destination: 0, length: good.count)],
    ]
    good.withUnsafeBytes { memory in
      for pieces in cases {
        let error = #expect(throws: LearningError.self) { try stream.offer(pieces, in: memory, waits: true) }
        #expect(error?.code == .malformedBatch)
      }
    }
    var wrong = set
    wrong.labels[4] = 9
    let bytes = wrong.bytes(0..<Self.samples)
    #expect(throws: LearningError.self) { try bytes.withUnsafeBytes { try stream.offer($0, waits: true) } }
    #expect(try good.withUnsafeBytes { try stream.offer($0, waits: true) })
    let report = try stream.finish().report
    #expect(report.malformed == cases.count + 1 && report.batches == 1)
  }

  @Test("a training that diverged takes nothing more and says why, also at the end")
  func diverges() throws {
    let stream = try stream(rate: 1e20)
    let error = #expect(throws: LearningError.self) {
      for number in 0..<20 { _ = try object(number).withUnsafeBytes { try stream.offer($0, waits: true) } }
      _ = try stream.finish()
    }
    #expect(error?.code == .diverged)
    #expect(throws: LearningError.self) { try stream.finish() }
    #expect(stream.report.batches < 20)
  }

  @Test("a finished stream takes nothing; one that goes on is not evaluated")
  func finished() throws {
    let stream = try stream()
    #expect(throws: LearningError.self) { try set.withBatch { try stream.evaluate($0) } }
    let network = try stream.finish().network
    #expect(try network == self.network())
    let error = #expect(throws: LearningError.self) {
      try object(0).withUnsafeBytes { try stream.offer($0, waits: true) }
    }
    #expect(error?.code == .invalidOption)
  }

  @Test("every batch that is offered without waiting is trained on or counted as refused")
  func refused() throws {
    let stream = try stream()
    var taken = 0
    for number in 0..<60 where try object(number % 20).withUnsafeBytes({ try stream.offer($0) }) {
      taken += 1
    }
    let report = try stream.finish().report
    #expect(report.batches == taken && report.refused == 60 - taken)
    #expect(taken >= StreamTrainer.buffers)
  }

  @Test("buffers are filled and trained on in turn, one free while the other is worked on")
  func queue() {
    var queue = BatchQueue(buffers: 2)
    #expect(queue.free == 0 && queue.begin() == nil)
    queue.fill()
    #expect(queue.begin() == 0 && queue.begin() == nil && queue.free == 1)
    queue.fill()
    #expect(queue.free == nil)
    queue.finish()
    #expect(queue.free == 0 && queue.begin() == 1)
    queue.fill()
    queue.finish()
    #expect(queue.begin() == 0)
    queue.finish()
    #expect(queue.isEmpty && queue.free == 1)
  }
}
