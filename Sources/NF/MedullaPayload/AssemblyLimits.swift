/// What an assembler may hold. All of its memory is taken when it is made.
package struct AssemblyLimits: Hashable, Sendable {
  /// Objects at a time: those that are being gathered and those that the consumer has not finished with.
  package var objects = 1_024
  /// Frames at a time. An object's first packet reserves one for each of its packets, so that what has been
  /// accepted can always become whole.
  package var frames = 65_536
  /// Bytes of all objects at a time: what a consumer needs to gather them.
  package var bytes = 1 << 28
  package var packetsPerObject = 16_384
  /// Objects that have ended, were refused or given up, whose late packets are still known.
  ///
  /// When more end while packets of the first are still under way, those begin their object anew, which then
  /// stays incomplete until its deadline.
  package var endedObjects = 8_192
  /// Nanoseconds after which a sender may use an object's number again.
  package var memory: UInt64 = 10_000_000_000

  package init() {}

  /// - Throws: `badSetting` that names the first one that cannot be.
  package func check() throws(PayloadError) {
    let wrong: String? =
      if !(1...1 << 20).contains(objects) {
        "`objects` is 1 to \(1 << 20)"
      } else if !(1...1 << 26).contains(frames) {
        "`frames` is 1 to \(1 << 26)"
      } else if !(1...1 << 40).contains(bytes) {
        "`bytes` is 1 to \(1 << 40)"
      } else if !(1...1 << 22).contains(packetsPerObject) {
        "`packetsPerObject` is 1 to \(1 << 22)"
      } else if objects * ((packetsPerObject + 63) / 64) > 1 << 28 {
        "`objects` times `packetsPerObject` needs more than 2 GiB of bits"
      } else if !(1...1 << 22).contains(endedObjects) {
        "`endedObjects` is 1 to \(1 << 22)"
      } else {
        nil
      }
    if let wrong {
      throw PayloadError(.badSetting, "objects cannot be assembled within these limits", cause: wrong)
    }
  }
}
