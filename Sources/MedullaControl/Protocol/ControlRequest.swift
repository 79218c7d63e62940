import Foundation
import MedullaBase

/// One line from a client.
package struct ControlRequest: Sendable, Equatable {
  /// Chosen by the client; the answer has it too.
  package var id: Int
  package var method: ControlMethod
  /// Which function is meant; nil: all, or the only one.
  package var function: String?
  /// `history`: records of that kind only.
  package var kind: String?
  /// `history`: records not older than so many seconds.
  package var since: Double?
  /// `history`: at most so many, the newest.
  package var limit: Int?
  /// `top`: seconds between frames.
  package var every: Double?
  /// `proxy`: how well the network does, as whoever says it counts it.
  package var value: Double?
  /// `label`: the flow, by its number or a part of its ends, and its class.
  package var flow: String?
  package var label: String?
  /// `stop`: what becomes of the functions; nil: as configured.
  package var onStop: DaemonSettings.OnStop?
  /// `stop_chain`, `chains`: which one.
  package var chain: String?
  /// `start_chain`: the chain's file, a whole path, and the demultiplexer's object in base64; without one the
  /// daemon's own is taken.
  package var path: String?
  package var object: String?

  package init(
    id: Int = 1, _ method: ControlMethod, function: String? = nil, kind: String? = nil, since: Double? = nil,
    limit: Int? = nil, every: Double? = nil, value: Double? = nil, flow: String? = nil,
    label: String? = nil, onStop: DaemonSettings.OnStop? = nil, chain: String? = nil, path: String? = nil,
    object: String? = nil
  ) {
    self.id = id
    self.method = method
    self.function = function
    self.kind = kind
    self.since = since
    self.limit = limit
    self.every = every
    self.value = value
    self.flow = flow
    self.label = label
    self.onStop = onStop
    self.chain = chain
    self.path = path
    self.object = object
  }
}

extension ControlRequest {
  /// A request that cannot be taken, with its number where it could be read.
  package struct Refusal: Error, Equatable {
    package let id: Int?
    package let error: ControlError
  }

  static let parameterNames: Set<String> = [
    "function", "kind", "since", "limit", "every", "value", "flow", "label", "on_stop", "chain", "path",
    "object",
  ]
  static let wordLimit = 255
  static let pathLimit = 4_095
  static let everyRange = 0.05...60.0
  static let valueRange = -1e12...1e12

  /// Reads a line without its newline: JSON, an object with `id`, `method` and perhaps `parameters`.
  package init(line: [UInt8]) throws(Refusal) {
    guard let parsed = try? JSONDecoder().decode(JSONValue.self, from: Data(line)) else {
      throw Self.refusal(nil, .badMessage, "the line is not JSON")
    }
    guard let object = parsed.object else {
      throw Self.refusal(nil, .badMessage, "the line is not a JSON object")
    }
    guard let id = object["id"]?.integer else {
      throw Self.refusal(nil, .badMessage, "the request has no \"id\" that is an integer")
    }
    if let unknown = object.keys.filter({ !["id", "method", "parameters"].contains($0) }).min() {
      throw Self.refusal(id, .badMessage, "the request has an unknown key \"\(unknown.prefix(60))\"")
    }
    guard let name = object["method"]?.string else {
      throw Self.refusal(id, .badMessage, "the request has no \"method\" that is a string")
    }
    guard let method = ControlMethod(rawValue: name) else {
      throw Self.refusal(id, .unknownMethod, "there is no method \"\(name.prefix(60))\"")
    }
    self.init(id: id, method)
    guard let value = object["parameters"] else { return }
    guard let parameters = value.object else {
      throw Self.refusal(id, .badParameter, "\"parameters\" is not an object")
    }
    try take(parameters)
  }

  private mutating func take(_ parameters: [String: JSONValue]) throws(Refusal) {
    if let unknown = parameters.keys.filter({ !Self.parameterNames.contains($0) }).min() {
      throw Self.refusal(id, .badParameter, "there is no parameter \"\(unknown.prefix(60))\"")
    }
    function = try string("function", of: parameters)
    kind = try string("kind", of: parameters)
    flow = try string("flow", of: parameters)
    label = try string("label", of: parameters)
    chain = try string("chain", of: parameters)
    path = try string("path", of: parameters, limit: Self.pathLimit)
    object = try string("object", of: parameters, limit: ControlProtocol.requestLimit)
    since = try number("since", of: parameters, in: 0...1e10)
    value = try number("value", of: parameters, in: Self.valueRange)
    every = try number("every", of: parameters, in: Self.everyRange)
    if let value = parameters["limit"] {
      guard let limit = value.integer, (1...ControlProtocol.recordLimit).contains(limit) else {
        throw Self.refusal(
          id, .badParameter, "\"limit\" must be an integer from 1 to \(ControlProtocol.recordLimit)")
      }
      self.limit = limit
    }
    if let text = try string("on_stop", of: parameters) {
      guard let onStop = DaemonSettings.OnStop(rawValue: text) else {
        throw Self.refusal(id, .badParameter, "\"on_stop\" must be \"keep\" or \"detach\"")
      }
      self.onStop = onStop
    }
  }

  private func string(
    _ name: String, of parameters: [String: JSONValue], limit: Int = ControlRequest.wordLimit
  ) throws(Refusal) -> String? {
    guard let value = parameters[name] else { return nil }
    guard let text = value.string, text.utf8.count <= limit else {
      throw Self.refusal(id, .badParameter, "\"\(name)\" must be a string of at most \(limit) bytes")
    }
    return text
  }

  private func number(
    _ name: String, of parameters: [String: JSONValue], in range: ClosedRange<Double>
  ) throws(Refusal) -> Double? {
    guard let value = parameters[name] else { return nil }
    guard let number = value.number, range.contains(number) else {
      throw Self.refusal(
        id, .badParameter, "\"\(name)\" must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func refusal(_ id: Int?, _ code: ControlError.Code, _ message: String) -> Refusal {
    Refusal(id: id, error: ControlError(code, message))
  }

  /// The request as a line, newline included.
  package var line: [UInt8] {
    var parameters: [String: Any] = [:]
    parameters["function"] = function
    parameters["kind"] = kind
    parameters["since"] = since
    parameters["limit"] = limit
    parameters["every"] = every
    parameters["value"] = value
    parameters["flow"] = flow
    parameters["label"] = label
    parameters["on_stop"] = onStop?.rawValue
    parameters["chain"] = chain
    parameters["path"] = path
    parameters["object"] = object
    var object: [String: Any] = ["id": id, "method": method.rawValue]
    if !parameters.isEmpty { object["parameters"] = parameters }
    let data = (try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])) ?? Data()
    return [UInt8](data) + [UInt8(ascii: "\n")]
  }
}
