import Foundation
import MedullaFrames

#if canImport(Glibc)
import Glibc
#endif

/// Carries frames between the environment and the program that learns in it.
package protocol EnvironmentChannel: AnyObject {
  /// The next frame; nil when the other side has closed.
  func receive() throws(FrameError) -> TensorFrame?
  func send(_ frame: TensorFrame) throws(FrameError)
}

/// Frames over two descriptors, such as the standard input and output. Blocks.
package final class DescriptorChannel: EnvironmentChannel {
  private let input: Int32
  private let output: Int32
  private var decoder = FrameDecoder()
  private var chunk = [UInt8](repeating: 0, count: 1 << 16)

  package init(input: Int32, output: Int32) {
    self.input = input
    self.output = output
  }

  package func receive() throws(FrameError) -> TensorFrame? {
    while true {
      if let frame = try decoder.next() { return frame }
      let count = read(input, &chunk, chunk.count)
      if count > 0 {
        decoder.append(chunk[..<count])
      } else if count == 0 {
        try decoder.end()
        return nil
      } else if errno != EINTR {
        throw FrameError(.io, "cannot read: \(String(cString: strerror(errno)))", remedy: "")
      }
    }
  }

  package func send(_ frame: TensorFrame) throws(FrameError) {
    let bytes = try frame.encoded()
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { write(output, $0 + sent, raw.count - sent) } ?? 0
      }
      if count > 0 {
        sent += count
      } else if errno != EINTR {
        throw FrameError(.io, "cannot write: \(String(cString: strerror(errno)))", remedy: "")
      }
    }
  }
}
