import RingProperties

/// Called by libFuzzer with every input that it makes up: what both sides of a ring do, and what a rogue writes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNFRing(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  if let violation = RingProperties.violation(bytes) { preconditionFailure(violation) }
  return 0
}
