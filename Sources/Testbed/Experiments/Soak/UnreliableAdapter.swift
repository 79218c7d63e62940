import Foundation
import MedullaBase
import MedullaFrames
import MedullaLearning

/// An adapter that exits at random, for the soak: it speaks the adapter protocol
/// (docs/reference/adapter-protocol.md), never learns, and scales its network's output a little more or less
/// in each round.
package struct UnreliableAdapter {
  private let channel: DescriptorChannel
  private let chance: Double
  private let crashes: String?
  private var random: SeededGenerator
  private var model: FrameValue = .null
  private var tensors: [FrameTensor] = []
  private var rounds = 0

  /// - Parameters:
  ///   - descriptor: the socket that the daemon gave.
  ///   - chance: of an exit in each round.
  ///   - crashes: a file that gets a line before each exit.
  package init(descriptor: Int32, chance: Double, crashes: String?, seed: UInt64) {
    channel = DescriptorChannel(input: descriptor, output: descriptor)
    self.chance = chance
    self.crashes = crashes
    random = SeededGenerator(seed: seed)
  }

  /// Answers until the daemon has gone, or says `close`.
  package mutating func serve() throws {
    while let request = try channel.receive() {
      let id = request.fields["id"] ?? .null
      switch request.fields["request"]?.text {
      case "hello":
        (model, tensors) = (request.fields["model"] ?? .null, request.tensors)
        try channel.send(TensorFrame(["answer": "ok", "id": id, "protocol": 1]))
      case "freeze":
        try channel.send(TensorFrame(["answer": "ok", "id": id, "model": model], tensors: try scaled()))
      case "adapt":
        rounds += 1
        if random.unit() < chance { crash() }
        try channel.send(TensorFrame(["answer": "ok", "id": id, "stability": 1, "figures": [:]]))
      case "evaluate":
        try channel.send(TensorFrame(["answer": "ok", "id": id], tensors: [try evaluate(request)]))
      case "close":
        return try channel.send(TensorFrame(["answer": "ok", "id": id]))
      default:
        try channel.send(TensorFrame(["answer": "error", "id": id, "message": "an unknown request"]))
      }
    }
  }

  /// Exits without a word to the daemon, after a line for the experiment.
  private func crash() -> Never {
    if let crashes {
      let descriptor = open(crashes, O_WRONLY | O_CREAT | O_APPEND, 0o666)
      if descriptor >= 0 { _ = write(descriptor, "crash\n", 6) }
    }
    kill(getpid(), SIGKILL)
    exit(1)
  }

  /// The tensors with the last layer's times a factor that goes up and down between 0.9 and 1.1.
  private func scaled() throws -> [FrameTensor] {
    let factor = Float(1 + 0.1 * sin(Double(rounds) / 5))
    let last = tensors.suffix(2).map(\.name)
    return try tensors.map { tensor in
      guard last.contains(tensor.name) else { return tensor }
      return FrameTensor(tensor.name, shape: tensor.shape, floats: try tensor.floats().map { $0 * factor })
    }
  }

  /// Dense layers with tanh between them, which is what congestion networks are.
  private func evaluate(_ request: TensorFrame) throws -> FrameTensor {
    let parts = try scaled()
    let inputs = request.tensors.first
    let count = inputs?.shape.first ?? 0
    var rows = try inputs?.floats() ?? []
    var width = inputs?.shape.last ?? 0
    for layer in stride(from: 0, to: parts.count - 1, by: 2) {
      let (weight, bias) = (try parts[layer].floats(), try parts[layer + 1].floats())
      let isLast = layer + 2 >= parts.count
      var next: [Float] = []
      next.reserveCapacity(count * bias.count)
      for row in 0..<count {
        for output in bias.indices {
          var sum = bias[output]
          for input in 0..<width { sum += weight[output * width + input] * rows[row * width + input] }
          next.append(isLast ? sum : tanh(sum))
        }
      }
      (rows, width) = (next, bias.count)
    }
    return FrameTensor("outputs", shape: [count, width], floats: rows)
  }
}
