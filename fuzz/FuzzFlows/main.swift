import FlowProperties

/// Called by libFuzzer with every input that it makes up: frames.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFlows(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  if let violation = FlowProperties.violation(bytes) { preconditionFailure(violation) }
  return 0
}
