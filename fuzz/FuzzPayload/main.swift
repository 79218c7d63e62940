import PayloadProperties

/// Called by libFuzzer with every input that it makes up: packets, and what a consumer does.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPayload(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  if let violation = PayloadProperties.violation(bytes) { preconditionFailure(violation) }
  return 0
}
