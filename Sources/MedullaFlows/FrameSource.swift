/// Where frames of an interface come from, as they come.
package protocol FrameSource: AnyObject {
  var device: String { get }
  var link: LinkLayer { get }

  /// The next frame, whose bytes are there until the next call; nil: none has come for a moment.
  ///
  /// - Throws: `unreadable` when no more can come.
  func next() throws(CaptureError) -> CaptureFrame?

  /// Frames that found no room, so far.
  var lost: UInt64 { get }
}

extension LiveCapture: FrameSource {}
