import CHost
import Glibc

/// What a program of ours has printed, as a whole.
package enum StandardOutput {
  /// Has the process fail when not all that it printed could be written: a full disk must not look like
  /// success. Called once, first of all; it holds for every command and for help.
  ///
  /// A reader that has gone (`| head -1`) has what it wanted: then the process ends like one that SIGPIPE
  /// ended, and says nothing.
  package static func failWhereLost() {
    atexit {
      let flushed = medulla_flush_output()
      guard flushed != 0 else { return }
      guard !StandardOutput.hasNoReader else { _exit(128 + SIGPIPE) }
      Narration.tell(
        "Error: standard output cannot be written: \(String(cString: strerror(-flushed))) [io]\n"
          + "  help: what was printed is not whole; make room, or choose another file")
      _exit(EXIT_FAILURE)
    }
  }

  /// Whether it is a pipe whose other end is closed.
  private static var hasNoReader: Bool {
    var watched = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
    return poll(&watched, 1, 0) > 0 && watched.revents & Int16(POLLERR) != 0
  }
}
