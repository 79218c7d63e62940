import CMedullaFabric

/// Text of a specification: a statement a line, and what every network's has.
struct SWXText {
  private(set) var text = ""
  private var depth = 0
  /// Of the next instruction.
  private var pending: String?

  mutating func line(_ line: String = "") {
    let label = pending.map { "\($0) : " } ?? ""
    pending = nil
    text += line.isEmpty ? "\n" : String(repeating: "\t", count: depth) + label + line + "\n"
  }

  mutating func lines(_ lines: [String]) { for each in lines { line(each) } }

  /// The next instruction has a name; one that has one already is given another by a jump.
  mutating func label(_ name: String) {
    if let pending {
      self.pending = nil
      text += String(repeating: "\t", count: depth) + "\(pending) : jmp \(name)\n"
    }
    pending = name
  }

  mutating func block(_ head: String, _ body: (inout SWXText) -> Void) {
    line(head + " {")
    depth += 1
    body(&self)
    depth -= 1
    line("}")
  }

  private mutating func fields(_ name: String, _ fields: [(String, Int)]) {
    block("struct \(name)") { text in
      for (field, bits) in fields { text.line("bit<\(bits)> \(field)") }
    }
    line()
  }

  mutating func declarations(_ state: ShiftAddState, region: Int) {
    line("; SPDX-License-Identifier: Apache-2.0")
    line()
    fields("link_h", [("destination", 48), ("source", 48), ("protocol", 16)])
    fields(
      "cell_h",
      [
        ("version_kind", 8), ("hops", 8), ("model", 16), ("epoch", 16), ("label", 16), ("client", 16),
        ("inference", 32), ("chunk", 16), ("chunks", 16), ("length", 16), ("attempt", 8), ("zero", 8),
        ("checksum", 16), ("pass", 16), ("time", 64),
      ])
    fields("data_h", (0..<region).map { ("b\($0)", 8) })
    for name in ["link", "cell", "data"] { line("header \(name) instanceof \(name)_h") }
    line()
    fields(
      "meta_t",
      [("port", 32), ("round", 32), ("next", 32), ("ends", 32)]
        + [
          "slot", "tag", "state", "neuron", "owner", "bits", "x", "t", "sum", "total", "count", "product",
          "sign",
        ].map { ($0, 64) })
    line("metadata instanceof meta_t")
    line()
    for name in ["owners", "arrived", "best", "answers"] {
      line("regarray \(name) size \(state.owners) initval 0")
    }
    for name in ["tags", "sums", "counts"] { line("regarray \(name) size \(state.neurons) initval 0") }
    line()
  }

  /// From a cell's arrival to its layer: what is no cell of this network goes no further.
  mutating func admission(_ state: ShiftAddState, model: Int, epoch: Int, labels: [Int]) {
    lines([
      "rx m.port", "extract h.link", "extract h.cell", "extract h.data",
      "jmpneq DROP h.link.protocol \(FABRIC_ETHERTYPE)",
      "jmpneq DROP h.cell.version_kind \(FABRIC_VERSION << 4 | Int32(FABRIC_DATA.rawValue))",
      "jmpeq DROP h.cell.hops 0", "jmpgt DROP h.cell.hops \(FABRIC_HOP_LIMIT)", "jmpneq DROP h.cell.zero 0",
      "jmpneq DROP h.cell.model \(model)", "jmpneq DROP h.cell.epoch \(epoch)",
      "jmpgt DROP h.cell.client \(state.clients - 1)",
      // What comes from a link has made no pass.
      "recircid m.round", "jmpneq AGAIN m.round 0", "jmpneq DROP h.cell.pass 0",
    ])
    label("AGAIN")
    lines([
      "mov m.slot h.cell.client", "shl m.slot \(state.slotBits)", "mov m.t h.cell.inference",
      "and m.t \(1 << state.slotBits - 1)", "or m.slot m.t",
      "mov m.tag 1", "shl m.tag 16", "or m.tag h.cell.epoch", "shl m.tag 32", "or m.tag h.cell.inference",
      "shl m.tag 8", "or m.tag h.cell.attempt",
    ])
    for each in labels { line("jmpeq LAYER\(each) h.cell.label \(each)") }
    line("jmp DROP")
  }

  /// The ends of all passes.
  mutating func exits() {
    label("ROUND")
    line("recirculate")
    label("SEND")
    lines(["emit h.link", "emit h.cell", "emit h.data", "tx m.port"])
    label("DROP")
    line("drop")
  }
}
