import CEngines
import Foundation
import MedullaBase

/// OpenVINO's C interface, opened at run time, with its core.
final class OpenVINOLibrary: @unchecked Sendable {
  static let file = EngineLibrary(
    title: "OpenVINO", variable: "MEDULLA_OPENVINO", names: ["libopenvino_c.so"],
    prefix: "libopenvino_c.so", package: "openvino/libs",
    remedy: "python -m pip install openvino into the environment that MEDULLA_PYTHON or .venv names, or name "
      + "the library's file in MEDULLA_OPENVINO")

  /// Bytes of an element by its number, which releases before 2025 counted otherwise.
  private static let numbers: [(number: ov_element, bytes: Int)] = [
    (OV_BOOL, 1), (OV_FLOAT32, 4), (OV_INT64, 8), (OV_UINT8, 1), (OV_UINT16, 2), (OV_UINT64, 8),
  ]

  let version: String
  let path: String
  let calls: ov_calls
  let core: OpaquePointer

  init(_ search: EngineSearch) throws(EngineError) {
    let opened = try search.open(Self.file)
    path = opened.path
    let calls = UnsafeMutablePointer<ov_calls>.allocate(capacity: 1)
    defer { calls.deallocate() }
    if let missing = openvino_look_up(opened.handle, calls) {
      throw EngineError(
        .unavailable, "\(opened.path) is no OpenVINO that is known here",
        cause: "it has no \(String(cString: missing))", remedy: "2025 or later is needed")
    }
    self.calls = calls.pointee
    version = Self.version(calls.pointee)
    guard Self.numbers.allSatisfy({ Self.bytes($0.number, calls.pointee) == $0.bytes }) else {
      throw EngineError(
        .unavailable, "OpenVINO \(version) is too old", cause: "it numbers types of elements otherwise",
        remedy: "2025 or later is needed")
    }
    core = try calls.pointee.made(.unavailable, "OpenVINO \(version) cannot be set up") {
      calls.pointee.create_core($0)
    }
  }

  private static func version(_ calls: ov_calls) -> String {
    var version = ov_version()
    guard calls.version(&version) == 0 else { return "of unknown version" }
    defer { calls.free_version(&version) }
    let build = version.build.map { String(cString: $0) } ?? ""
    return String(build.prefix { $0 != "-" })
  }

  /// Of a tensor that has one element of a type; nil: the library has no such type.
  private static func bytes(_ number: ov_element, _ calls: ov_calls) -> Int? {
    var (size, value, bytes) = (Int64(1), UInt64(0), 0)
    var tensor: OpaquePointer?
    let status = withUnsafeMutablePointer(to: &size) { size in
      calls.create_tensor(Int32(number.rawValue), ov_shape(rank: 1, sizes: size), &value, &tensor)
    }
    defer { calls.free_tensor(tensor) }
    guard status == 0, let tensor, calls.tensor_bytes(tensor, &bytes) == 0 else {
      _ = calls.lastMessage
      return nil
    }
    return bytes
  }
}

extension ov_calls {
  /// Why the last call of this thread failed.
  fileprivate var lastMessage: String {
    guard let text = message() else { return "" }
    defer { free_text(text) }
    return String(cString: text)
  }

  func check(
    _ status: Int32, _ code: EngineErrorCode, _ message: @autoclosure () -> String, remedy: String = ""
  ) throws(EngineError) {
    guard status != 0 else { return }
    let said = lastMessage.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let cause = said.last { !$0.isEmpty } ?? "status \(status)"
    throw EngineError(code, message(), cause: cause, remedy: remedy, log: said.joined(separator: "\n"))
  }

  /// What a function of the library makes.
  func made(
    _ code: EngineErrorCode, _ message: @autoclosure () -> String, remedy: String = "",
    _ make: (UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) throws(EngineError) -> OpaquePointer {
    var object: OpaquePointer?
    try check(make(&object), code, message(), remedy: remedy)
    guard let object else { throw EngineError(code, message(), cause: "OpenVINO gave nothing") }
    return object
  }
}
