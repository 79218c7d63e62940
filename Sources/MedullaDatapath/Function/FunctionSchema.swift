/// Which networks a function can use.
package struct NetworkSizes: Sendable, Equatable {
  /// Those that it takes; empty: any number.
  package let inputs: [Int]
  package let outputs: [Int]

  package init(inputs: Int? = nil, outputs: Int? = nil) {
    self.init(oneOf: inputs.map { [$0] } ?? [], outputs.map { [$0] } ?? [])
  }

  package init(oneOf inputs: [Int], _ outputs: [Int]) {
    self.inputs = inputs
    self.outputs = outputs
  }

  package func accepts(inputs: Int, outputs: Int) -> Bool {
    (self.inputs.isEmpty || self.inputs.contains(inputs))
      && (self.outputs.isEmpty || self.outputs.contains(outputs))
  }

  /// - Throws: `wrongShape` with both sizes.
  package func check(_ snapshot: DatapathSnapshot, for name: String) throws(DatapathError) {
    guard !accepts(inputs: snapshot.inputs, outputs: snapshot.outputs) else { return }
    let needed = [Self.text(inputs, "inputs"), Self.text(outputs, "outputs")].compactMap(\.self)
    throw DatapathError(
      .wrongShape,
      "\(snapshot.name) has \(snapshot.inputs) inputs and \(snapshot.outputs) outputs; \(name) needs "
        + needed.joined(separator: " and "),
      remedy: "compile a network of that size for it")
  }

  private static func text(_ sizes: [Int], _ what: String) -> String? {
    sizes.isEmpty ? nil : sizes.map(String.init).joined(separator: " or ") + " " + what
  }
}

/// One word of what followed a decision.
package struct OutcomeField: Sendable, Equatable {
  package let name: String
  /// Such as `us`, `packets` or `bytes/s`.
  package let unit: String

  package init(_ name: String, unit: String) {
    self.name = name
    self.unit = unit
  }
}

/// Something that a function counts by slot.
package struct FunctionCounter: Sendable, Equatable {
  /// Its key in a status.
  package let key: String
  /// Its place in `medulla_counts.function`.
  package let index: Int
  /// The heading of its column in the table for people; nil: it is in the JSON only.
  package let column: String?

  package init(_ key: String, index: Int, column: String? = nil) {
    self.key = key
    self.index = index
    self.column = column
  }
}

/// A key of a function in the daemon's configuration.
package struct FunctionKey: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// A file; a relative path counts from the configuration's directory.
    case path
    case text
    case number(ClosedRange<Double>)
  }

  package let name: String
  package let kind: Kind
  package let isRequired: Bool
  /// A value for messages.
  package let example: String

  package init(_ name: String, _ kind: Kind, isRequired: Bool = false, example: String) {
    self.name = name
    self.kind = kind
    self.isRequired = isRequired
    self.example = example
  }
}

/// What a configuration says of a function's key.
package enum FunctionValue: Sendable, Equatable, Codable {
  case text(String)
  case number(Double)

  package var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  package var number: Double? {
    guard case .number(let number) = self else { return nil }
    return number
  }
}
