/// The C that this module carries, so that the executable needs no file beside it.
enum NativeSources {
  /// Every file, by its name; `shape.h` comes from the shape.
  static var files: [String: String] {
    [
      "entries.h": text(PackageResources.entries_h),
      "plain.c": text(PackageResources.plain_c),
      "packed.c": text(PackageResources.packed_c),
    ]
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
