import Foundation

/// Why one of our programs does not find another.
package enum SiblingProgramErrorCode: String, Sendable {
  /// It does not lie beside.
  case missing
  /// It lies there and cannot be started.
  case unstartable
}

package typealias SiblingProgramError = CodedError<SiblingProgramErrorCode>

/// Our programs lie in one folder, `bin/` or what the build makes: each finds the others beside itself.
package enum SiblingProgram {
  /// The running program, wherever it lies.
  package static let own = "/proc/self/exe"

  /// Where the program `name` lies: in the folder of `program`, whose links are followed.
  package static func path(
    _ name: String, beside program: String = own
  ) throws(SiblingProgramError) -> String {
    let folder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
    let path = folder.appendingPathComponent(name).path
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw SiblingProgramError(
        .missing, "`\(name)` does not lie in \(folder.path)",
        remedy: "run `make build`, which builds all programs into bin/, or `make install`")
    }
    return path
  }

  /// Becomes that program: its arguments, exit status, signals, terminal and open files are this process's.
  ///
  /// - Parameter arguments: without the program's own name. Returns only by throwing.
  package static func become(_ name: String, _ arguments: [String]) throws(SiblingProgramError) -> Never {
    let path = try path(name)
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    execv(path, words)
    let error = errno
    for word in words { free(word) }
    throw SiblingProgramError(
      .unstartable, "\(path) cannot be started: \(String(cString: strerror(error)))",
      remedy: "build it again (`make build`)")
  }
}
