import CLibBPF

extension BPFProgram {
  /// Runs the program over a packet many times, without attaching it; what it writes into the packet stays
  /// there from run to run.
  ///
  /// - Returns: the mean of one run, in whole nanoseconds, by the kernel's clock.
  @discardableResult
  package func time(on packet: [UInt8], repeats: Int = 1) throws(KernelError) -> TestRun {
    guard let repeats = Int32(exactly: repeats), repeats > 0, let length = UInt32(exactly: packet.count)
    else { throw KernelError(.invalid, "\(repeats) runs of \(name) over \(packet.count) bytes") }
    var result: UInt32 = 0
    var nanoseconds: UInt32 = 0
    let status = medulla_test_run(descriptor.number, packet, length, repeats, &result, &nanoseconds)
    guard status == 0 else { throw .system("test run of program \(name)", number: status) }
    return TestRun(result: result, nanoseconds: Int(nanoseconds))
  }

  /// Frames of one batch: what the kernel makes ready before it runs the program over them.
  package static let frameBatch = 64

  /// Sends frames through an XDP program as if they had come in at a device of the calling thread's network
  /// namespace; what the program says of each is done.
  ///
  /// - Returns: when all are sent, and those that stay on this processor are received.
  package func send(_ frame: [UInt8], count: Int, from device: UInt32) throws(KernelError) {
    guard let count = Int32(exactly: count), count > 0, let length = UInt32(exactly: frame.count) else {
      throw KernelError(.invalid, "\(count) frames of \(frame.count) bytes by \(name)")
    }
    let status = medulla_send_frames(
      descriptor.number, frame, length, count, device, UInt32(Self.frameBatch))
    guard status == 0 else { throw .system("send frames by program \(name)", number: status) }
  }
}
