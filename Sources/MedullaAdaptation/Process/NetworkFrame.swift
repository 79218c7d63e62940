import Foundation
import MedullaFrames
import MedullaLearning
import MedullaModel

/// A network on the wire: a `layers.json` document with float32 tensors, or the bytes of an ONNX file.
package enum NetworkFrame {
  static let onnxTensor = "onnx"

  /// The `model` field and its tensors. Layers that the document cannot say go as ONNX.
  package static func encode(_ network: Network) throws(ModelError) -> (
    model: FrameValue, tensors: [FrameTensor]
  ) {
    var layers: [FrameValue] = []
    var tensors: [FrameTensor] = []
    for (index, layer) in network.layers.enumerated() {
      switch layer {
      case .dense(let dense):
        let names = ["layer\(index).weight", "layer\(index).bias"]
        layers.append(["kind": "dense", "weight": .text(names[0]), "bias": .text(names[1])])
        tensors.append(FrameTensor(names[0], shape: [dense.outputs, dense.inputs], floats: dense.weights))
        tensors.append(FrameTensor(names[1], shape: [dense.outputs], floats: dense.bias))
      case .activation(let activation): layers.append(entry(activation))
      case .softmax: layers.append(["kind": "softmax"])
      case .argmax: layers.append(["kind": "argmax"])
      case .convolution, .pool, .rearrange:
        let bytes = try ONNXWriter.data(network)
        let model: FrameValue = ["format": "onnx", "name": .text(network.name)]
        return (model, [FrameTensor(onnxTensor, bytes: bytes)])
      }
    }
    let model: FrameValue = [
      "format": "layers", "name": .text(network.name),
      "input": [
        "name": .text(network.inputName),
        "shape": .list(network.inputShape.dimensions.map { FrameValue($0) }),
      ],
      "output": .text(network.outputName), "layers": .list(layers),
    ]
    return (model, tensors)
  }

  private static func entry(_ activation: Activation) -> FrameValue {
    func number(_ value: Float) -> FrameValue { .number(Double(value)) }
    return switch activation {
    case .relu: ["kind": "relu"]
    case .tanh: ["kind": "tanh"]
    case .sigmoid: ["kind": "sigmoid"]
    case .leakyRelu(let slope): ["kind": "leakyRelu", "slope": number(slope)]
    case .clip(let minimum, let maximum): clip(minimum, maximum)
    case .hardSigmoid(let alpha, let beta):
      ["kind": "hardSigmoid", "alpha": number(alpha), "beta": number(beta)]
    }
  }

  /// A bound that is not finite is no bound, which the document says by leaving it out.
  private static func clip(_ minimum: Float, _ maximum: Float) -> FrameValue {
    var fields: [String: FrameValue] = ["kind": "clip"]
    if minimum.isFinite, minimum > -.greatestFiniteMagnitude { fields["minimum"] = .number(Double(minimum)) }
    if maximum.isFinite, maximum < .greatestFiniteMagnitude { fields["maximum"] = .number(Double(maximum)) }
    return .object(fields)
  }

  /// - Throws: `AdapterFailure` with `malformedAnswer` or `notFinite`, saying where.
  package static func decode(_ frame: TensorFrame, name: String) throws(AdapterFailure) -> Network {
    guard let model = frame.fields["model"]?.object, let format = model["format"]?.text else {
      throw AdapterFailure(.malformedAnswer, "the answer to freeze has no `model` with a `format`")
    }
    do {
      switch format {
      case "onnx": return try ONNXReader.read(try frame.tensor(onnxTensor, shape: [nil]).data)
      case "layers":
        try Finite.check(frame.tensors)
        var document = model
        document["format"] = nil
        let layers = Data(try FrameValue.object(document).json())
        return try SafetensorsReader.read(weights: try safetensors(frame.tensors), layers: layers, name: name)
      default:
        throw AdapterFailure(.malformedAnswer, "the format `\(format)` is neither `layers` nor `onnx`")
      }
    } catch let failure as AdapterFailure {
      throw failure
    } catch {
      throw AdapterFailure(
        .malformedAnswer, "the answer to freeze is no network: \(error)",
        remedy: """
          docs/reference/adapter-protocol.md and docs/reference/layers-json.md say how a network is written.
          """)
    }
  }

  /// The tensors as a safetensors file, which the model reader takes with a layer list.
  private static func safetensors(_ tensors: [FrameTensor]) throws -> Data {
    var header: [String: FrameValue] = [:]
    var body = Data()
    for tensor in tensors where tensor.element == .float32 {
      let range: FrameValue = [FrameValue(body.count), FrameValue(body.count + tensor.data.count)]
      body.append(tensor.data)
      header[tensor.name] = [
        "dtype": "F32", "shape": .list(tensor.shape.map { FrameValue($0) }), "data_offsets": range,
      ]
    }
    let json = try FrameValue.object(header).json()
    var file = Data()
    withUnsafeBytes(of: UInt64(json.count).littleEndian) { file.append(contentsOf: $0) }
    file.append(contentsOf: json)
    file.append(body)
    return file
  }
}

/// Holds a peer's numbers to being numbers.
enum Finite {
  static func check(_ tensors: [FrameTensor]) throws {
    for tensor in tensors where tensor.element == .float32 {
      if let index = try tensor.floats().firstIndex(where: { !$0.isFinite }) {
        throw AdapterFailure(.notFinite, "tensor `\(tensor.name)` has NaN or infinity at element \(index)")
      }
    }
  }
}
