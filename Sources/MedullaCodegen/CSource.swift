/// C text in the kernel's style: tabs, one statement a line.
struct CSource {
  private(set) var text = ""
  private var depth = 0

  mutating func line(_ text: String = "") {
    if text.isEmpty {
      self.text += "\n"
    } else {
      self.text += String(repeating: "\t", count: depth) + text + "\n"
    }
  }

  mutating func lines(_ texts: [String]) {
    for text in texts { line(text) }
  }

  /// `head {` … `}` around what `body` writes.
  mutating func block(_ head: String, _ body: (inout CSource) -> Void) {
    line(head.isEmpty ? "{" : head + " {")
    depth += 1
    body(&self)
    depth -= 1
    line("}")
  }

  /// A function with its brace on a line of its own.
  mutating func function(_ head: [String], _ body: (inout CSource) -> Void) {
    lines(head)
    line("{")
    depth += 1
    body(&self)
    depth -= 1
    line("}")
    line()
  }

  /// A loop that is not unrolled and whose counter the verifier follows; the body is taken once when
  /// `count` is 1.
  mutating func loop(
    _ counter: String, _ count: Int, advance: [String] = [], _ body: (inout CSource) -> Void
  ) {
    if count == 1 {
      block("", body)
      return
    }
    let steps = (["\(counter)++"] + advance).joined(separator: ", ")
    line("MEDULLA_LOOP")
    block("for (__u32 \(counter) = 0; \(counter) < \(count); \(steps))") { source in
      source.line("MEDULLA_HOLD(\(counter));")
      body(&source)
    }
  }
}
