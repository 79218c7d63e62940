/// The sizes beyond which a frame is refused, so that no peer can make a reader run out of memory.
package enum FrameLimits {
  /// Bytes of the two lengths before a frame.
  package static let prefixBytes = 8
  /// Bytes of the JSON header.
  package static let headerBytes = 1 << 20
  /// Bytes of the payload. A network of 64 million float32 parameters fits.
  package static let payloadBytes = 1 << 28
  /// Tensors in one frame.
  package static let tensors = 1 << 14
  /// Dimensions of a tensor.
  package static let rank = 8
  /// Values inside each other in the header.
  package static let depth = 32
}
