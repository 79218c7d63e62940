/// C text in the kernel's style: tabs, one statement a line.
struct CSource {
  private(set) var text = ""
  private var depth: Int
  private let options: ProgramOptions
  /// Functions that loops of the body became.
  private var hoisted = ""
  /// How many there are so far.
  private var loops: Int

  init(options: ProgramOptions = .standard, depth: Int = 0, loops: Int = 0) {
    self.options = options
    self.depth = depth
    self.loops = loops
  }

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

  /// A function with its brace on a line of its own. Loops of its body that become functions come before it.
  mutating func function(_ head: [String], _ body: (inout CSource) -> Void) {
    var inside = CSource(options: options, depth: depth + 1, loops: loops)
    body(&inside)
    loops = inside.loops
    text += inside.hoisted
    lines(head)
    line("{")
    text += inside.text
    line("}")
    line()
  }

  /// A loop whose turns depend on each other. It is not unrolled; the body is taken once when `count` is 1.
  mutating func loop(
    _ counter: String, _ count: Int, advance: [String] = [], _ body: (inout CSource) -> Void
  ) {
    if count == 1 {
      block("", body)
      return
    }
    let steps = (["\(counter)++"] + advance).joined(separator: ", ")
    line("MEDULLA_LOOP")
    let head =
      options.loops == .canLoop
      ? "for (__u64 \(counter) = MEDULLA_ZERO; \(counter) < \(count) && MEDULLA_CAN_LOOP; \(steps))"
      : "for (__u32 \(counter) = 0; \(counter) < \(count); \(steps))"
    block(head) { source in
      source.line("MEDULLA_HOLD(\(counter));")
      body(&source)
    }
  }

  /// A loop over the part of a window that lies inside, whose ends are values.
  mutating func walk(_ counter: String, from start: String, to end: String, _ body: (inout CSource) -> Void) {
    let more = options.loops == .canLoop ? " && MEDULLA_CAN_LOOP" : ""
    line("MEDULLA_LOOP")
    block("for (__s32 \(counter) = \(start); \(counter) < \(end)\(more); \(counter)++)") { source in
      source.line("MEDULLA_HOLD(\(counter));")
      body(&source)
    }
  }

  /// A value outside a loop that its body reads.
  struct Captured {
    let type: String
    let name: String
    /// How far it moves each turn.
    var step = 0
    /// Whether the body itself moves it that far.
    var isMovedByBody = false

    var move: String { step == 1 ? "\(name)++" : "\(name) += \(step)" }
  }

  /// A loop whose turns do not depend on each other, so that it may call a function for each. The values that
  /// move are behind the last turn afterwards, unless `count` is 1.
  mutating func loop(
    _ counter: String, _ count: Int, over captured: [Captured], _ body: (inout CSource) -> Void
  ) {
    guard options.loops == .bpfLoop, count > 1 else {
      let advance = captured.filter { $0.step > 0 && !$0.isMovedByBody }.map(\.move)
      return loop(counter, count, advance: advance, body)
    }
    let name = "medulla_turn\(loops)"
    loops += 1
    hoist(name, counter, count, captured, body)
    block("") { source in
      let values = captured.map { ".\($0.name) = \($0.name)" }.joined(separator: ", ")
      source.line("struct \(name) at = { \(values) };")
      source.line()
      source.line("MEDULLA_TURNS(\(count), \(name), &at);")
    }
    for value in captured where value.step > 0 { line("\(value.name) += \(value.step * count);") }
  }

  private mutating func hoist(
    _ name: String, _ counter: String, _ count: Int, _ captured: [Captured], _ body: (inout CSource) -> Void
  ) {
    var inside = CSource(options: options, depth: 1, loops: loops)
    inside.line("const struct \(name) *at = context;")
    for value in captured { inside.line("\(value.type)\(value.name) = at->\(value.name);") }
    inside.line()
    inside.line("/* Always inside; said again for the verifier. */")
    inside.line("if (\(counter) >= \(count))")
    inside.line("\treturn 1;")
    inside.line("MEDULLA_HOLD(\(counter));")
    for value in captured where value.step > 0 {
      inside.line("\(value.name) += \(counter) * \(value.step);")
    }
    body(&inside)
    inside.line("return 0;")
    loops = inside.loops
    let fields = captured.map { "\t\($0.type)\($0.name);\n" }.joined()
    let head = "static long \(name)(__u64 \(counter), void *context)\n{\n"
    hoisted += inside.hoisted + "struct \(name) {\n\(fields)};\n\n" + head + inside.text + "}\n\n"
  }
}
