import Foundation

/// Cuts a stream of bytes, which may come in any pieces, into frames. A value: no socket inside.
///
/// It holds at most one frame's bytes and what came after, and never reserves what a length claims. After
/// an error the stream is out of step and every call throws the same error again.
package struct FrameDecoder: Sendable {
  private var buffer = Data()
  private var failure: FrameError?

  package init() {}

  /// Bytes that are not yet part of a frame.
  package var pending: Int { buffer.count }

  package mutating func append(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

  /// The next frame; nil: more bytes are needed.
  /// - Throws: what `TensorFrame` says of the bytes; a length over its limit before its bytes arrive.
  package mutating func next() throws(FrameError) -> TensorFrame? {
    if let failure { throw failure }
    do {
      return try cut()
    } catch {
      failure = error
      buffer = Data()
      throw error
    }
  }

  /// To be called at the stream's end.
  /// - Throws: `truncated` when it ends inside a frame.
  package func end() throws(FrameError) {
    if let failure { throw failure }
    guard buffer.isEmpty else {
      throw FrameError(.truncated, "the stream ended \(buffer.count) bytes into a frame")
    }
  }

  private mutating func cut() throws(FrameError) -> TensorFrame? {
    guard buffer.count >= FrameLimits.prefixBytes else { return nil }
    let (header, payload) = buffer.withUnsafeBytes { bytes in
      (
        Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))),
        Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
      )
    }
    guard header <= FrameLimits.headerBytes else { throw TensorFrame.headerTooLarge(header) }
    guard payload <= FrameLimits.payloadBytes else { throw TensorFrame.payloadTooLarge(payload) }
    let length = FrameLimits.prefixBytes + header + payload
    guard buffer.count >= length else { return nil }
    let start = buffer.startIndex + FrameLimits.prefixBytes
    let frame = try TensorFrame.decode(
      header: buffer[start..<start + header], payload: buffer[start + header..<start + header + payload])
    buffer = buffer.count == length ? Data() : Data(buffer[(buffer.startIndex + length)...])
    return frame
  }
}
