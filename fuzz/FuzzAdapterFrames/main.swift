import Foundation
import FrameProperties

/// Called by libFuzzer with every input that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAdapterFrames(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Data(UnsafeBufferPointer(start: start, count: count))
  if let violation = ProcessFrameProperties.check(bytes) { preconditionFailure(violation) }
  return 0
}
