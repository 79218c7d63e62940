import Foundation

/// What people read on the way, on standard error; standard output is for data.
package enum Narration {
  package static func tell(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
