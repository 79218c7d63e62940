import Foundation
import Glibc
import MedullaAccelerators
import MedullaBase
import MedullaNF
import MedullaNFFunctions
import MedullaPayload
import TestbedLink

/// Who gets an image's packets to the network.
package enum ImageReceiver: Hashable, Sendable {
  /// A chain with the inference function, by a policy; without cut-through the transfer begins when the image
  /// is whole. Host and function wait by a mode.
  case chain(TransferPolicy, isCutThrough: Bool, PollMode)
  /// A program with a UDP socket: each datagram is received into a buffer, its payload copied to its place,
  /// and the engine run when all are there.
  case socket
}

/// Milliseconds of one image.
package struct ImageTimes: Sendable {
  /// From before the first packet was sent to the answer.
  package var total: Double
  /// As the function tells them: from the first packet to the last, what the transfer took beyond that, and
  /// the network.
  package var receive: Double
  package var transfer: Double
  package var compute: Double
  /// The receiving thread's processor, without waiting; nil: not measured.
  package var processor: Double?
}

/// Images over a wire into a network on this machine's processor.
package final class ImageBench {
  private static let answerPatience = Duration.seconds(20)
  private let link: ChainLink
  private let object: [UInt8]
  private let model: String
  private let owner: AnyObject
  private let imageBytes: Int
  private let options: String
  private let threads: Int?

  /// - Parameters:
  ///   - model: an ONNX file.
  ///   - owner: of the file, which it outlives.
  ///   - threads: of the engine; nil: its own choice.
  package init(model: String, of owner: AnyObject, imageBytes: Int, threads: Int? = nil) throws {
    link = try ChainLink()
    object = try DemultiplexerObject.compile()
    (self.model, self.imageBytes, self.threads, self.owner) = (model, imageBytes, threads, owner)
    options =
      "\"deadline_ms\": 10000" + (threads.map { ", \"threads\": \($0)" } ?? "")
  }

  package func remove() { link.remove() }

  /// Sends images one after another, each when the answer to the one before is there.
  ///
  /// - Parameter warmUps: images before those that count.
  package func times(
    _ receiver: ImageReceiver, packetBytes: Int, images: Int, warmUps: Int
  ) throws -> [ImageTimes] {
    switch receiver {
    case .chain(let policy, let isCutThrough, let mode):
      return try chain(policy, isCutThrough, mode, packetBytes, images, warmUps)
    case .socket: return try socket(packetBytes, images, warmUps)
    }
  }

  private func chain(
    _ policy: TransferPolicy, _ isCutThrough: Bool, _ mode: PollMode, _ packetBytes: Int, _ images: Int,
    _ warmUps: Int
  ) throws -> [ImageTimes] {
    let signal = AnswerSignal<InferenceAnswer>()
    let text =
      "{\"model\": \"\(model)\", \"policy\": \"\(policy.rawValue)\", \"cut_through\": \(isCutThrough), "
      + "\"answers\": \"none\", \(options)}"
    let chain = try LocalChain(
      on: link, object: object, rule: ChainLink.objectRule, change: { $0.mode = mode }
    ) {
      try InferenceFunction(
        InferenceSettings(FunctionOptions(text, kind: "inference")), sink: signal)
    }
    defer { chain.stop() }
    var times: [ImageTimes] = []
    try send(packetBytes, images + warmUps) { number, began in
      let before = chain.times.processor
      return {
        guard let (answer, time) = signal.next(within: Self.answerPatience) else {
          try chain.check()
          throw Self.lost(number)
        }
        guard answer.error == nil, answer.object == UInt64(number) else {
          throw TestbedError(
            .linkFailed, "Image \(number) has no answer: \(answer.error ?? "another one's came").",
            remedy: "Run the command again on a quiet machine.")
        }
        let spent = Double(chain.times.processor - before) / 1e6
        times.append(
          ImageTimes(
            total: Double(time - began) / 1e6, receive: answer.receiveMs ?? 0,
            transfer: answer.transferMs ?? 0, compute: answer.computeMs ?? 0, processor: spent))
      }
    }
    return Array(times.dropFirst(warmUps))
  }

  private func socket(_ packetBytes: Int, _ images: Int, _ warmUps: Int) throws -> [ImageTimes] {
    let receiver = try SocketInference(
      model: model, imageBytes: imageBytes, threads: threads, port: ChainLink.port, in: link.chain)
    defer { receiver.stop() }
    var times: [ImageTimes] = []
    try send(packetBytes, images + warmUps) { number, began in
      {
        guard let (answer, end) = receiver.next(within: Self.answerPatience) else {
          try receiver.check()
          throw Self.lost(number)
        }
        var own = answer
        own.total = Double(end - began) / 1e6
        times.append(own)
      }
    }
    return Array(times.dropFirst(warmUps))
  }

  private static func lost(_ number: Int) -> TestbedError {
    TestbedError(
      .timedOut, "There was no answer about image \(number): packets of it were lost.",
      remedy: "Run the command again on a quiet machine.")
  }

  /// Sends images; `body` is told the number and when it began, and returns what waits for the answer.
  private func send(
    _ packetBytes: Int, _ count: Int, _ body: (Int, UInt64) throws -> () throws -> Void
  ) throws {
    var image = [UInt8](repeating: 0, count: imageBytes)
    // Values of ordinary size: an engine slows down on denormal ones.
    image.withUnsafeMutableBytes { bytes in
      let floats = bytes.bindMemory(to: Float.self)
      for index in floats.indices { floats[index] = Float(index * 31 % 255) / 255 }
    }
    let sender = try link.sender.inside { try ObjectSender(to: "\(ChainLink.server):\(ChainLink.port)") }
    for number in 0..<count {
      try Interruption.check()
      let writer = try PayloadWriter(
        kind: .imageFloat32, stream: 1, object: UInt64(number), size: imageBytes, pieceSize: packetBytes)
      let began = MonotonicClock.nanoseconds
      let wait = try body(number, began)
      try image.withUnsafeBytes { try sender.send(writer, $0) }
      try wait()
    }
  }
}
