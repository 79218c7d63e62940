/// An update from outside that stays until a person lets it go.
package struct PinRecord: Sendable, Equatable, Codable {
  /// Now active, and what was before; nil: that is not known.
  package var version: UInt64
  package var before: UInt64?

  package init(version: UInt64, before: UInt64?) {
    self.version = version
    self.before = before
  }
}
