import Foundation

/// A `layers.json` document: the architecture for which a safetensors file has the weights.
///
/// `docs/reference/layers-json.md` describes it with an example.
struct LayerList: Decodable {
  struct Input: Decodable {
    let name: String?
    let shape: [Int]
  }

  let name: String?
  let input: Input
  let output: String?
  let layers: [LayerEntry]

  /// - Throws: `malformedFile` that says what is wrong and where.
  static func read(_ data: Data) throws(ModelError) -> LayerList {
    do {
      return try JSONDecoder().decode(LayerList.self, from: data)
    } catch {
      throw ModelError(
        .malformedFile, "the layer list is not understood: \(DecodingMessage(error))",
        remedy: "docs/reference/layers-json.md describes the document.")
    }
  }
}

/// One layer of the list: its kind, and the keys that the kind understands.
struct LayerEntry: Decodable {
  struct Fields: Decodable {
    let kind: String
    let weight: String?
    let bias: String?
    let transposed: Bool?
    let kernel: [Int]?
    let strides: [Int]?
    let dilations: [Int]?
    let padding: [Int]?
    let groups: Int?
    let countsPadding: Bool?
    let shape: [Int]?
    let indices: [Int]?
    let slope: Float?
    let minimum: Float?
    let maximum: Float?
    let alpha: Float?
    let beta: Float?
  }

  let fields: Fields
  /// The keys that the document has, to tell the unknown ones.
  let keys: Set<String>

  init(from decoder: any Decoder) throws {
    keys = Set(try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue))
    fields = try Fields(from: decoder)
  }

  /// Every kind with the keys that it understands.
  static let understood: [String: Set<String>] = [
    "dense": ["weight", "bias", "transposed"],
    "convolution": ["weight", "bias", "strides", "dilations", "padding", "groups"],
    "maxPool": ["kernel", "strides", "padding"],
    "averagePool": ["kernel", "strides", "padding", "countsPadding"],
    "globalAveragePool": [],
    "flatten": [],
    "reshape": ["shape"],
    "rearrange": ["indices", "shape"],
    "relu": [],
    "leakyRelu": ["slope"],
    "clip": ["minimum", "maximum"],
    "tanh": [],
    "sigmoid": [],
    "hardSigmoid": ["alpha", "beta"],
    "softmax": [],
    "argmax": [],
  ]
}
