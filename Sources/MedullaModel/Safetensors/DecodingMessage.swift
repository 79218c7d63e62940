/// What is wrong with a JSON document, and where.
package struct DecodingMessage: CustomStringConvertible {
  private let error: any Error

  package init(_ error: any Error) {
    self.error = error
  }

  package var description: String {
    guard let error = error as? DecodingError else { return "\(error)" }
    switch error {
    case .keyNotFound(let key, let context): return "\(key.stringValue) is missing\(place(context))"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return "\(context.debugDescription)\(place(context))"
    @unknown default: return "\(error)"
    }
  }

  private func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
    return path.isEmpty ? "" : " at \(path.joined(separator: "."))"
  }
}
