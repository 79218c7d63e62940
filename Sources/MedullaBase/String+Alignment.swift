extension String {
  /// The text with spaces up to `width` characters.
  package func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

  /// The text with spaces before it up to `width` characters.
  package func indenting(_ width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
