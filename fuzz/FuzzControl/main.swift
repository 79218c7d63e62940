import DaemonProperties

/// Called by libFuzzer with every input that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzControl(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  if let violation = ControlProperties.violation(bytes) { preconditionFailure(violation) }
  return 0
}
