import MedullaBase

extension LoadedModel {
  /// That tensors are what the model takes, before a library sees an address of them.
  ///
  /// - Throws: `wrongSize`.
  func check(
    inputs read: [TensorView], outputs written: [TensorView], on device: TensorDevice
  ) throws(EngineError) {
    try inputs.check(read, "input", device)
    try outputs.check(written, "output", device)
  }
}

extension [TensorDescription] {
  func check(_ views: [TensorView], _ role: String, _ device: TensorDevice) throws(EngineError) {
    guard views.count == count else {
      throw EngineError(
        .wrongSize, "the model has \(count) \(role)s and is given \(views.count)",
        remedy: "give one tensor for each: \(map(\.text).joined(separator: "; "))")
    }
    for index in indices { try self[index].check(views[index], role, device) }
  }
}

extension TensorDescription {
  /// Of a tensor: more than any model has.
  static let rankLimit = 16

  fileprivate func check(
    _ view: TensorView, _ role: String, _ device: TensorDevice
  ) throws(EngineError) {
    guard view.device == device else {
      throw EngineError(
        .wrongSize, "\(role) \(name) lies in \(view.device)", remedy: "this engine takes \(device)")
    }
    guard view.element == element, takes(view.shape) else {
      throw EngineError(.wrongSize, "\(role) \(text) is given \(view.text)")
    }
    guard view.byteCount < .max else {
      throw EngineError(.wrongSize, "\(role) \(name) is given \(view.text), which no memory holds")
    }
    guard view.address != 0, view.address % UInt64(element.size) == 0 else {
      throw EngineError(
        .wrongSize, "\(role) \(name) lies at address \(view.address)",
        remedy: "elements of \(element.rawValue) lie at multiples of \(element.size) bytes")
    }
  }

  /// Whether a shape is one of those that the model takes.
  func takes(_ sizes: [Int]) -> Bool {
    guard sizes.count <= Self.rankLimit, sizes.allSatisfy({ $0 >= 0 }) else { return false }
    if shape.isEmpty { return true }
    return sizes.count == shape.count && zip(sizes, shape).allSatisfy { size, own in own ?? size == size }
  }
}
