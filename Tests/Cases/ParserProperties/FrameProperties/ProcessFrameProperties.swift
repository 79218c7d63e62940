import Foundation
import MedullaAdaptation
import MedullaFrames
import MedullaLabels
import MedullaLearning
import MedullaSnapshot

/// What holds for the adapter protocol on any bytes at all. The fuzz target and the replaying test share it.
package enum ProcessFrameProperties {
  /// Gives nil, or what was violated; a trap is a violation by itself.
  ///
  /// The first byte says how the rest comes. Below 0x80: as a stream, in pieces of so many bytes (0: whole).
  /// From there: as one frame of right lengths, its header up to the first 0xFF, so that a fuzzer need not
  /// guess lengths.
  package static func check(_ bytes: Data) -> String? {
    guard let first = bytes.first else { return nil }
    let rest = Data(bytes.dropFirst())
    guard first >= 0x80 else { return stream(rest, piece: Int(first)) }
    let mark = rest.firstIndex(of: 0xFF) ?? rest.endIndex
    let payload = mark < rest.endIndex ? rest[(mark + 1)...] : Data()
    var framed = Data()
    for word in [UInt32(mark), UInt32(payload.count)] {
      withUnsafeBytes(of: word.littleEndian) { framed.append(contentsOf: $0) }
    }
    return stream(framed + rest[..<mark] + payload, piece: 0)
  }

  /// The pieces in which bytes come make no difference, and each frame keeps its meaning on the way.
  private static func stream(_ bytes: Data, piece: Int) -> String? {
    let (frames, failure) = decode(bytes, piece: bytes.count)
    if piece > 0 {
      let again = decode(bytes, piece: piece)
      if again.frames != frames || again.failure != failure {
        return "pieces of \(piece) bytes are read otherwise"
      }
    }
    for frame in frames {
      if let violation = roundTrip(frame) ?? contents(frame) { return violation }
    }
    return nil
  }

  private static func decode(_ bytes: Data, piece: Int) -> (frames: [TensorFrame], failure: FrameError?) {
    var decoder = FrameDecoder()
    var frames: [TensorFrame] = []
    do throws(FrameError) {
      for start in stride(from: 0, to: bytes.count, by: max(1, piece)) {
        decoder.append(bytes[start..<min(start + max(1, piece), bytes.count)])
        while let frame = try decoder.next() { frames.append(frame) }
      }
      try decoder.end()
      return (frames, nil)
    } catch {
      return (frames, error)
    }
  }

  private static func roundTrip(_ frame: TensorFrame) -> String? {
    do throws(FrameError) {
      var decoder = FrameDecoder()
      decoder.append(try frame.encoded())
      return try decoder.next() == frame ? nil : "the frame changed on its way"
    } catch {
      // Sorted keys and escapes may make a header longer than it came.
      return error.code == .tooLarge ? nil : "what was read cannot be written: \(error)"
    }
  }

  /// Questions about flows that are read can be asked again, and are the same then.
  private static func questions(_ frame: TensorFrame) -> String? {
    let features = ["packets", "log2(1+bytes)"].compactMap(InputFeature.init)
    let schema = LabelSchema(classes: ["one", "other"], features: features)
    guard let requests = try? LabelFrame.readRequests(frame, schema), !requests.isEmpty else { return nil }
    guard requests.count == frame.fields["flows"]?.count else { return "a question of another count" }
    guard let asked = try? LabelFrame.encode(requests, schema),
      let again = try? LabelFrame.readRequests(asked, schema)
    else { return "questions that were read cannot be asked" }
    return zip(again, requests).allSatisfy { $0.sample == $1.sample && $0.prediction == $1.prediction }
      ? nil : "the questions changed on their way"
  }

  /// What a frame may carry: a network, questions about flows, the environment's options.
  private static func contents(_ frame: TensorFrame) -> String? {
    _ = try? EnvironmentOptions(frame.fields["options"]?.object ?? [:])
    for tensor in frame.tensors { _ = (try? tensor.floats(), try? tensor.words()) }
    if let violation = questions(frame) { return violation }
    guard let network = try? NetworkFrame.decode(frame, name: "network") else { return nil }
    do {
      let (model, tensors) = try NetworkFrame.encode(network)
      let again = try NetworkFrame.decode(TensorFrame(["model": model], tensors: tensors), name: "network")
      guard again.inputShape == network.inputShape, again.outputShape == network.outputShape else {
        return "the network's shape changed on its way"
      }
      return again.layers == network.layers ? nil : "the network changed on its way"
    } catch {
      return "a network that was read cannot be sent: \(error)"
    }
  }
}
