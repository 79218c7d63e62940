import Foundation
import ModelProperties

/// Called by libFuzzer with every input that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzONNX(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Data(UnsafeBufferPointer(start: start, count: count))
  if let violation = ReaderProperties.onnx(bytes) { preconditionFailure(violation) }
  return 0
}
