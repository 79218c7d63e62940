import Foundation
import MedullaModel
import Testing

@Suite("A network from safetensors and a layer list")
struct SafetensorsTests {
  @Test("weights of every float type are read, rows of a dense layer as PyTorch stores them")
  func types() throws {
    // 1.5, -2 and 0.25 are exact in all three formats.
    let encodings: [(String, [UInt8])] = [
      ("F32", [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0x80, 0x3E]),
      ("F16", [0x00, 0x3E, 0x00, 0xC0, 0x00, 0x34]),
      ("BF16", [0xC0, 0x3F, 0x00, 0xC0, 0x80, 0x3E]),
    ]
    for (type, bytes) in encodings {
      let file = weights(
        #"{"w":{"dtype":"\#(type)","shape":[1,3],"data_offsets":[0,\#(bytes.count)]}}"#, bytes)
      let network = try SafetensorsReader.read(
        weights: file,
        layers: list(shape: [3], #"{"kind":"dense","weight":"w"},{"kind":"leakyRelu","slope":0.5}"#))
      #expect(try FloatReference(network).run([1, 1, 2]) == [0], "\(type)")
      #expect(try FloatReference(network).run([1, 2, 2]) == [-1], "\(type)")
    }
  }

  @Test("a transposed matrix gives the same network as a plain one")
  func transposed() throws {
    let plain = try read(floats: [1, 2, 3, 4, 5, 6], shape: [2, 3], #"{"kind":"dense","weight":"w"}"#)
    let turned = try read(
      floats: [1, 4, 2, 5, 3, 6], shape: [3, 2], #"{"kind":"dense","weight":"w","transposed":true}"#)
    #expect(plain == turned)
  }

  @Test("every kind of layer is understood and the network leaves as ONNX")
  func kinds() throws {
    let layers = """
      {"kind":"convolution","weight":"w","strides":[1,1],"dilations":[1,1],"padding":[1,0,1,0],"groups":1},
      {"kind":"relu"},{"kind":"maxPool","kernel":[2,2]},{"kind":"tanh"},
      {"kind":"averagePool","kernel":[2,1],"strides":[1,1],"padding":[1,0],"countsPadding":true},
      {"kind":"sigmoid"},{"kind":"hardSigmoid"},{"kind":"clip","maximum":0.9},
      {"kind":"rearrange","indices":[2,1,0],"shape":[3,1,1]},{"kind":"globalAveragePool"},
      {"kind":"flatten"},{"kind":"reshape","shape":[3,1]},{"kind":"flatten"},
      {"kind":"softmax"},{"kind":"argmax"}
      """
    let header = #"{"w":{"dtype":"F32","shape":[1,1,2,2],"data_offsets":[0,16]}}"#
    let network = try SafetensorsReader.read(
      weights: weights(header, bytes(of: [1, 2, 3, 4])), layers: list(shape: [1, 3, 3], layers))
    #expect(network.outputShape == TensorShape([1]))
    #expect(try ONNXReader.read(ONNXWriter.data(network)).outputShape == TensorShape([1]))
  }

  @Test(
    "a header that lies is refused",
    arguments: [
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
      #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F7","shape":[2],"data_offsets":[0,8]}}"#,
      #"{"a":{"dtype":"F32","shape":[2]}}"#, #"[]"#, #"{"a":"#,
    ])
  func lies(header: String) {
    #expect(
      code { try SafetensorsFile(self.weights(header, [UInt8](repeating: 0, count: 8))) } == .malformedFile)
  }

  @Test("a stated header length beyond the file is refused", arguments: [9, 1 << 40, UInt64.max])
  func headerLength(stated: UInt64) {
    var data = Data(withUnsafeBytes(of: stated.littleEndian) { Array($0) })
    data.append(contentsOf: Array("{}".utf8))
    #expect(code { try SafetensorsFile(data) } == .malformedFile)
    #expect(code { try SafetensorsFile(data.prefix(5)) } == .malformedFile)
  }

  @Test(
    "an entry of the layer list that cannot be is refused",
    arguments: [
      (#"{"kind":"dense","weight":"absent"}"#, ModelError.Code.missingData),
      (#"{"kind":"dense"}"#, .malformedFile),
      (#"{"kind":"dense","weight":"w","wieght":"w"}"#, .unsupportedAttribute),
      (#"{"kind":"recurrent"}"#, .unsupportedOperator),
      (#"{"kind":"convolution","weight":"w"}"#, .shapeMismatch),
      (#"{"kind":"dense","weight":"w","bias":"w"}"#, .shapeMismatch),
      (#"{"kind":"reshape","shape":[4]}"#, .shapeMismatch),
      (#"{"kind":"rearrange","indices":[0,3]}"#, .shapeMismatch),
      (#"{"kind":"clip","minimum":2,"maximum":1}"#, .unsupportedAttribute),
      (#"{"kind":"relu"},7"#, .malformedFile),
    ])
  func badEntries(entry: String, expected: ModelError.Code) {
    let found = code { try read(floats: [1, 2, 3, 4, 5, 6], shape: [2, 3], entry) }
    #expect(found == expected, "\(entry)")
  }

  // MARK: Making files

  private func read(floats: [Float], shape: [Int], _ layers: String) throws -> Network {
    let header = #"{"w":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,\#(floats.count * 4)]}}"#
    return try SafetensorsReader.read(
      weights: weights(header, bytes(of: floats)), layers: list(shape: [3], layers))
  }

  private func bytes(of floats: [Float]) -> [UInt8] {
    floats.map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) }
  }

  private func weights(_ header: String, _ bytes: [UInt8]) -> Data {
    var data = Data(withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) })
    data.append(contentsOf: Array(header.utf8))
    data.append(contentsOf: bytes)
    return data
  }

  private func list(shape: [Int], _ layers: String) -> Data {
    Data(#"{"input":{"shape":\#(shape)},"layers":[\#(layers)]}"#.utf8)
  }

  /// The code of the error that is thrown; nil when there is none.
  private func code(_ body: () throws -> some Any) -> ModelError.Code? {
    do {
      _ = try body()
      return nil
    } catch {
      return (error as? ModelError)?.code
    }
  }
}
