import Foundation
import ModelProperties

/// Called by libFuzzer with every input that it makes up: a NumPy array.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNPY(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Data(UnsafeBufferPointer(start: start, count: count))
  if let violation = SampleProperties.violation(bytes) { preconditionFailure(violation) }
  return 0
}
