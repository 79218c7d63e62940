import Foundation
import MedullaFrames
import MedullaLearning
import Testing

@Suite("Frames")
struct EnvironmentFrameTests {
  static let frame = TensorFrame(
    [
      "id": 7, "text": "ä\"\\\n\u{1}", "list": [1.5, true, .null, [], [:]], "big": .number(0x1p53),
      "small": -1e-300,
    ],
    tensors: [
      FrameTensor("a", rows: [[1, -2], [.nan, .infinity]], width: 2), FrameTensor("flow", words: [.max, 0]),
      FrameTensor("onnx", bytes: Data([1, 2, 3])), FrameTensor("none", rows: [], width: 8),
    ])

  @Test("a frame comes back bit for bit from any pieces", arguments: [1, 2, 7, 64, 1 << 20])
  func pieces(size: Int) throws {
    let bytes = try Self.frame.encoded() + Self.frame.encoded()
    var decoder = FrameDecoder()
    var frames: [TensorFrame] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      decoder.append(bytes[start..<min(start + size, bytes.count)])
      while let frame = try decoder.next() { frames.append(frame) }
    }
    try decoder.end()
    #expect(frames == [Self.frame, Self.frame])
    #expect(try frames[0].tensor("flow", shape: [nil]).words() == [.max, 0])
    #expect(try frames[0].tensor("a", shape: [nil, 2]).floats()[1] == -2)
  }

  static func raw(_ header: String, _ payload: [UInt8] = []) -> [UInt8] {
    lengths(UInt32(header.utf8.count), UInt32(payload.count)) + Array(header.utf8) + payload
  }

  static func lengths(_ header: UInt32, _ payload: UInt32) -> [UInt8] {
    [header, payload].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  static func tensor(_ type: String, _ shape: String) -> String {
    #"{"tensors":[{"name":"x","type":"\#(type)","shape":\#(shape)}]}"#
  }

  static let refused: [([UInt8], FrameError.Code)] = [
    (lengths(1 << 20 + 1, 0), .tooLarge), (lengths(2, .max), .tooLarge), (raw(""), .malformedHeader),
    (raw("[]"), .malformedHeader), (raw("{} "), .wrongContent), (raw("{}x"), .malformedHeader),
    (raw(#"{"a":1,"a":2}"#), .malformedHeader), (raw(#"{"a":01}"#), .malformedHeader),
    (raw(#"{"a":NaN}"#), .malformedHeader), (raw(#"{"a":1e999}"#), .malformedHeader),
    (raw(#"{"a":.5}"#), .malformedHeader), (raw(#"{"a":+1}"#), .malformedHeader),
    (raw(#"{"a":1,}"#), .malformedHeader), (raw(#"{"a":"\ud800"}"#), .malformedHeader),
    (raw(#"{"a":"\x"}"#), .malformedHeader), (raw("{\"a\":\"\n\"}"), .malformedHeader),
    (raw(#"{"a":"#), .malformedHeader), (raw(#"{"a":tru}"#), .malformedHeader),
    (raw(#"{"a":"# + String(repeating: "[", count: 100)), .tooLarge),
    (raw("{}", [1]), .payloadMismatch), (raw(#"{"tensors":1}"#), .malformedHeader),
    (raw(tensor("int8", "[1]"), [1]), .malformedHeader),
    (raw(tensor("float32", "[1.5]"), [1]), .malformedHeader),
    (raw(tensor("float32", "[-1]")), .malformedHeader),
    (raw(tensor("float32", "[4294967296,4294967296,4294967296]")), .payloadMismatch),
    (raw(tensor("float32", "[0,9007199254740992,9007199254740992]")), .wrongContent),
    (raw(tensor("float32", "[1,1,1,1,1,1,1,1,1]"), [0, 0, 0, 0]), .malformedHeader),
    (raw(tensor("uint64", "[1]"), [1, 2, 3, 4]), .payloadMismatch),
  ]

  @Test("what is no frame is refused with the right code, again and again", arguments: refused)
  func refusals(bytes: [UInt8], code: FrameError.Code) throws {
    var decoder = FrameDecoder()
    decoder.append(bytes)
    guard code != .wrongContent else {
      // Odd, but allowed.
      #expect(try decoder.next() != nil)
      return
    }
    for _ in 0..<2 {
      do throws(FrameError) {
        #expect(try decoder.next() == nil, "\(bytes.count) bytes were taken as a frame")
        Issue.record("no error for \(String(decoding: bytes.dropFirst(8), as: UTF8.self))")
      } catch {
        #expect(error.code == code, "\(error)")
      }
    }
  }

  @Test("a length is refused before its bytes come, and reserves nothing")
  func hugeLength() throws {
    var decoder = FrameDecoder()
    decoder.append(Self.lengths(1 << 20, 1 << 28))
    #expect(try decoder.next() == nil && decoder.pending == 8)
    #expect(throws: FrameError.self) { try decoder.end() }
  }

  @Test("escapes of JSON are understood")
  func escapes() throws {
    var decoder = FrameDecoder()
    decoder.append(Self.raw(#" { "a" : "\u00e4\ud83d\ude00\/\b\f\n\r\t" , "b" : -0.5e+1 } "#))
    let frame = try #require(try decoder.next())
    #expect(frame.text("a") == "ä😀/\u{8}\u{C}\n\r\t" && frame.fields["b"] == .number(-5))
  }

  @Test("a frame that cannot be said is not sent")
  func unsendable() {
    for frame in [
      TensorFrame(["a": .number(.nan)]), TensorFrame(["a": .text(String(repeating: "x", count: 1 << 20))]),
      TensorFrame(
        [:], tensors: [FrameTensor(name: "x", element: .float32, shape: [2], data: Data(count: 4))]),
      TensorFrame([:], tensors: [FrameTensor(name: "x", element: .uint8, shape: [-1], data: Data())]),
    ] {
      #expect(throws: FrameError.self) { try frame.encoded() }
    }
  }
}
