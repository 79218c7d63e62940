import MedullaNF

/// Counts frames and bytes, and passes them on.
package final class CountFunction: NetworkFunction {
  private var frames: UInt64 = 0
  private var bytes: UInt64 = 0

  package init(_ options: FunctionOptions) throws(NFError) {}

  package func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) {
    for frame in frames {
      bytes &+= UInt64(frame.bytes.count)
      port.return(frame, .next)
    }
    self.frames &+= UInt64(frames.count)
  }

  package func look(by port: FunctionPort) {
    port.count("frames", frames)
    port.count("bytes", bytes)
  }
}
