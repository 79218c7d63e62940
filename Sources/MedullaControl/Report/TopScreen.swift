import CHost
import Foundation
import Glibc

/// Shows frames of `top`: in place on a terminal, else as plain blocks of lines.
package final class TopScreen {
  private let isTerminal: Bool
  private let isColoured: Bool
  private let interruption: Int32
  private var before = termios()
  private var hasKeys = false
  private var isOpen = false
  private var trends = TopFrame.Trends()

  /// - Parameter once: one frame that stays on the terminal.
  package init(once: Bool, environment: [String: String] = ProcessInfo.processInfo.environment) {
    let isScreen = isatty(STDOUT_FILENO) == 1
    isTerminal = isScreen && !once && environment["TERM"] != "dumb"
    isColoured = isScreen && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    interruption = isTerminal ? medulla_interruption_descriptor() : -1
    if isTerminal { open() }
  }

  deinit { close() }

  /// False when nobody looks any longer.
  package func show(_ report: DaemonReport) -> Bool {
    trends.add(report)
    let size = isTerminal || isColoured ? Self.size() : (columns: 80, rows: nil)
    let frame = TopFrame(
      report, trends: trends, columns: size.columns, rows: isTerminal ? size.rows : nil,
      isColoured: isColoured)
    let text =
      isTerminal
      ? "\u{1B}[H" + frame.lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J"
      : frame.lines.joined(separator: "\n") + "\n"
    return write(text)
  }

  /// Waits for the next frame; nil when the user has had enough.
  package func nextFrame(of client: ControlClient) throws(ControlError) -> [UInt8]? {
    while isTerminal {
      if client.hasLine { break }
      var readable: [UInt8] = [0, 0, 0]
      let keys = hasKeys ? STDIN_FILENO : interruption
      let count = medulla_wait_readable([client.descriptor, interruption, keys], &readable, 3, 1_000_000_000)
      guard count > 0 else { continue }
      if readable[1] != 0 { return nil }
      if hasKeys, readable[2] != 0, isEnd() { return nil }
      if readable[0] != 0 { break }
    }
    return try client.result()
  }

  /// Gives the terminal back as it was.
  package func close() {
    guard isOpen else { return }
    isOpen = false
    _ = write("\u{1B}[?25h\u{1B}[?1049l")
    if hasKeys { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
  }

  private func open() {
    isOpen = true
    if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &before) == 0 {
      var raw = before
      raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
      hasKeys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0
    }
    _ = write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J")
  }

  private func isEnd() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(STDIN_FILENO, &bytes, bytes.count)
    return count <= 0 || bytes.prefix(count).contains { $0 == UInt8(ascii: "q") || $0 == 4 }
  }

  private func write(_ text: String) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      bytes = bytes.dropFirst(count)
    }
    return true
  }

  /// Of the terminal; 80 by 24 when it does not say.
  private static func size() -> (columns: Int, rows: Int?) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}
