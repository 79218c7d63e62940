/// C types and accesses of everything that may lie in different memory.
enum CType {
  static let image = "const struct medulla_image MEDULLA_MEMORY *"
  static let scratch = "struct medulla_scratch MEDULLA_MEMORY *"
  /// Weights, and tensors that are read.
  static let words = "const __s64 MEDULLA_MEMORY *"
  /// Tensors that are written.
  static let results = "__s64 MEDULLA_MEMORY *"
  static let line = "const __s32 MEDULLA_MEMORY *"
  static let bytes = "const char MEDULLA_MEMORY *"

  /// The weights at a word of an image, or of the part of one that a map value holds.
  static func weights(_ image: String, _ offset: Int) -> String { "MEDULLA_WEIGHTS(\(image), \(offset))" }

  /// One weight, bias, multiplier or bound.
  static func weight(_ weights: String, _ place: Int) -> String { "MEDULLA_WEIGHT(\(weights), \(place))" }
}
