import CMedullaNF

/// One device of DPDK's, and the frames that wait for it in the host. Only the host's thread uses it.
final class DPDKDevice {
  let settings: DPDKSettings.Device
  let number: UInt32
  /// Frames to send with the next look.
  let staged: UnsafeMutablePointer<nf_descriptor>
  var stagedCount = 0
  var refused: UInt64 = 0

  init(_ settings: DPDKSettings.Device, _ number: UInt32) {
    self.settings = settings
    self.number = number
    staged = .allocate(capacity: Int(NF_DPDK_BATCH))
  }

  deinit { staged.deallocate() }

  /// Virtual devices copy each frame in the processor, but for rings within the process. What a device of
  /// the machine's does is its driver's.
  var isZeroCopy: Bool { !settings.name.hasPrefix("net_") || settings.driver == "net_ring" }
}
