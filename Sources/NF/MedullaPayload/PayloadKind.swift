/// What an object's bytes are.
package enum PayloadKind: UInt8, Hashable, Sendable, CaseIterable {
  /// Numbers of 32 bits, channel by channel (CHW).
  case imageFloat32 = 1
  /// Numbers of 8 bits, pixel by pixel (HWC).
  case imageUInt8 = 2
  /// Samples, and their labels behind them.
  case trainingBatch = 3
  /// Bytes without a shape.
  case bytes = 4
}
