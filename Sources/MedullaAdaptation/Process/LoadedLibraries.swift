import Foundation

/// The shared libraries that this process runs with: another of our programs, started as a process that may
/// read little, needs them too.
package enum LoadedLibraries {
  /// Their folders, without those that every process may read.
  package static let folders: [String] = {
    // Of what the kernel writes on the fly, only a loop gets more than the first page.
    let maps = FileHandle(forReadingAtPath: "/proc/self/maps").flatMap { try? $0.readToEnd() } ?? Data()
    return folders(ofMaps: String(decoding: maps, as: UTF8.self))
  }()

  static func folders(ofMaps maps: String) -> [String] {
    var seen: Set<String> = []
    return maps.split(separator: "\n").compactMap { line in
      // Five fields, and then the path with whatever spaces it has.
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard fields.count == 6 else { return nil }
      let path = fields[5].trimmingCharacters(in: .whitespaces)
      let name = (path as NSString).lastPathComponent
      guard path.hasPrefix("/"), name.hasSuffix(".so") || name.contains(".so.") else { return nil }
      let folder = (path as NSString).deletingLastPathComponent
      let isOpen = ReadablePaths.system.contains { folder == $0 || folder.hasPrefix($0 + "/") }
      return !isOpen && seen.insert(folder).inserted ? folder : nil
    }
  }
}
