import RingProperties

/// Called by libFuzzer with every input that it makes up: messages by which hosts and functions meet.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNFWelcome(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  if let violation = WelcomeProperties.violation(bytes) { preconditionFailure(violation) }
  return 0
}
