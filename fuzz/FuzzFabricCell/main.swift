import FabricProperties

/// Called by libFuzzer with every input that it makes up: frames that come to a fabric's switch.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFabricCell(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  if let violation = CellProperties.violation(bytes) { preconditionFailure(violation) }
  return 0
}
