/// A text of PTX, read into kernels: the instructions that ours use, and nothing that is not understood.
struct PTXModule {
  let kernels: [String: PTXKernel]
  let target: String
  let version: String

  /// The longest text that is read.
  static let textLimit = 4 << 20

  /// - Throws: `failed` with the line that is not understood.
  init(_ text: String) throws(AcceleratorError) {
    guard text.utf8.count <= Self.textLimit else {
      throw AcceleratorError(.failed, "a text of \(text.utf8.count) bytes is too long for PTX")
    }
    var kernels: [String: PTXKernel] = [:]
    var (target, version) = ("", "")
    var reader: PTXKernelReader?
    for (number, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = Self.trimmed(raw.prefix(upTo: Self.comment(in: raw)))
      guard !line.isEmpty else { continue }
      if let name = Self.entry(line) {
        reader = PTXKernelReader(name: name)
      } else if reader != nil {
        guard line != "}" else {
          if let kernel = try reader?.finished() { kernels[kernel.name] = kernel }
          reader = nil
          continue
        }
        try reader?.take(line, number: number + 1)
      } else if line.hasPrefix(".target ") {
        target = String(line.dropFirst(8))
      } else if line.hasPrefix(".version ") {
        version = String(line.dropFirst(9))
      } else if !line.hasPrefix(".address_size") {
        throw PTXKernelReader.unknown(line, number + 1)
      }
    }
    guard reader == nil else { throw AcceleratorError(.failed, "a PTX kernel has no end") }
    (self.kernels, self.target, self.version) = (kernels, target, version)
  }

  private static func comment(in line: Substring) -> Substring.Index {
    var before: Character = " "
    for index in line.indices {
      if line[index] == "/", before == "/" { return line.index(before: index) }
      before = line[index]
    }
    return line.endIndex
  }

  private static func trimmed(_ line: Substring) -> Substring {
    var line = line.drop { $0.isWhitespace }
    while line.last?.isWhitespace == true { line.removeLast() }
    return line
  }

  private static func entry(_ line: Substring) -> String? {
    let prefix = ".visible .entry "
    guard line.hasPrefix(prefix) else { return nil }
    return String(line.dropFirst(prefix.count).prefix { $0 != "(" })
  }
}
