/// The functions that a program knows.
package struct FunctionList: Sendable {
  package let functions: [any DatapathFunction.Type]

  package init(_ functions: [any DatapathFunction.Type]) {
    self.functions = functions
  }

  /// By its name, or one that it had before.
  package subscript(name: String) -> (any DatapathFunction.Type)? {
    functions.first { $0.name == name || $0.formerNames.contains(name) }
  }

  package var names: [String] { functions.map { $0.name } }

  /// - Throws: `badFunction` with the names that there are.
  package func function(named name: String) throws(DatapathError) -> any DatapathFunction.Type {
    guard let function = self[name] else {
      throw DatapathError(
        .badFunction, "there is no function \(name)", remedy: "there is: \(names.joined(separator: ", "))")
    }
    return function
  }
}

/// What an instance is of: the function's name, and what brings its value back.
///
/// Pinned as the one entry of an array map: the name, a zero, the function's own bytes. It does not change
/// between versions, so that an instance of any can be named and detached.
struct FunctionRecord: Equatable {
  static let pin = "function"

  let name: String
  let bytes: [UInt8]

  init(of function: any DatapathFunction) {
    name = type(of: function).name
    bytes = function.record
  }

  init(pinned bytes: [UInt8]) throws(DatapathError) {
    guard let end = bytes.firstIndex(of: 0), end > 0 else {
      throw DatapathError(
        .foreignVersion, "what is attached does not say which function it is",
        remedy: "detach it with the version that attached it, or `medulla detach`, and attach again")
    }
    name = String(decoding: bytes[..<end], as: UTF8.self)
    self.bytes = Array(bytes[(end + 1)...])
  }

  var pinned: [UInt8] { Array(name.utf8) + [0] + bytes }
}
