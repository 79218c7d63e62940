import CEngines
import Foundation
import MedullaBase

/// ONNX Runtime, opened at run time: a machine without it builds and runs everything else.
///
/// Its functions come from a table whose version is asked for (`onnxruntime_table.h`). It has one environment
/// in a process, whatever number of these there are.
final class ONNXRuntimeLibrary: @unchecked Sendable {
  static let file = EngineLibrary(
    title: "ONNX Runtime", variable: "MEDULLA_ONNXRUNTIME",
    names: ["libonnxruntime.so.1", "libonnxruntime.so"], prefix: "libonnxruntime.so",
    package: "onnxruntime/capi",
    remedy:
      "`make setup` installs it, or name its file in MEDULLA_ONNXRUNTIME; MEDULLA_PYTHON names a Python "
      + "that has the package onnxruntime")

  /// What the library's log goes to.
  private static let messages = EngineMessages()

  let version: String
  let path: String
  let environment: OpaquePointer
  private let functions: UnsafePointer<ort_table>

  var table: ort_table { functions.pointee }

  init(_ search: EngineSearch) throws(EngineError) {
    let opened = try search.open(Self.file)
    path = opened.path
    guard let symbol = dlsym(opened.handle, "OrtGetApiBase"),
      let base = unsafeBitCast(symbol, to: ort_get_base.self)()
    else {
      throw EngineError(.unavailable, "\(opened.path) is not ONNX Runtime", remedy: Self.file.remedy)
    }
    version = String(cString: base.pointee.version())
    guard let table = base.pointee.table(UInt32(ORT_TABLE_VERSION)) else {
      throw EngineError(
        .unavailable, "ONNX Runtime \(version) is too old", cause: opened.path,
        remedy: "1.\(ORT_TABLE_VERSION) or later is needed; `make setup` installs one")
    }
    functions = table
    let logger: ort_logger = { context, _, _, _, _, message in
      guard let context, let message else { return }
      Unmanaged<EngineMessages>.fromOpaque(context).takeUnretainedValue().add(String(cString: message))
    }
    var made: OpaquePointer?
    let status = table.pointee.create_env(
      logger, Unmanaged.passUnretained(Self.messages).toOpaque(), Int32(ORT_WARNING.rawValue), "medulla",
      &made)
    guard status == nil, let made else {
      throw EngineError(
        .unavailable, "ONNX Runtime \(version) cannot be set up",
        cause: status.map { Self.release($0, table) } ?? "")
    }
    environment = made
    // Nothing of what is run here is anybody else's business.
    if let status = table.pointee.disable_telemetry(made) { _ = Self.release(status, table) }
  }

  /// What a status says; it is released.
  private static func release(_ status: OpaquePointer, _ table: UnsafePointer<ort_table>) -> String {
    defer { table.pointee.release_status(status) }
    return String(cString: table.pointee.error_message(status))
  }

  /// - Throws: the code and message with what the library says, where it gave a status.
  func check(
    _ status: ort_result?, _ code: EngineErrorCode, _ message: @autoclosure () -> String, remedy: String = ""
  ) throws(EngineError) {
    guard let status else { return }
    let cause = Self.release(status, functions)
    throw EngineError(code, message(), cause: cause, remedy: remedy, log: Self.messages.take())
  }

  /// What a function of the library makes.
  func made(
    _ code: EngineErrorCode, _ message: @autoclosure () -> String, remedy: String = "",
    _ make: (UnsafeMutablePointer<OpaquePointer?>) -> ort_result?
  ) throws(EngineError) -> OpaquePointer {
    var object: OpaquePointer?
    try check(make(&object), code, message(), remedy: remedy)
    guard let object else { throw EngineError(code, message(), cause: "ONNX Runtime gave nothing") }
    return object
  }

  /// The execution providers that the library was built with.
  func providers() throws(EngineError) -> [String] {
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    var count: Int32 = 0
    try check(table.providers(&names, &count), .failed, "ONNX Runtime does not tell its providers")
    guard let names else { return [] }
    let texts = (0..<Int(count)).compactMap { names[$0].map { String(cString: $0) } }
    try check(table.release_providers(names, count), .failed, "ONNX Runtime does not take its names back")
    return texts
  }
}
