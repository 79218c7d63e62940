import CMedullaFabric

/// The instructions of one layer.
struct SWXLayerCode {
  /// Turned over, the order of signed numbers is that of unsigned ones.
  private static let signBit: UInt64 = 1 << 63

  let schedule: ShiftAddSchedule
  let state: ShiftAddState
  let place: ShiftAddState.Place
  /// Bytes of a cell's payload that are parsed.
  let region: Int

  private var label: Int { schedule.label }

  func write(to text: inout SWXText) {
    text.label("LAYER\(label)")
    text.lines(["mov m.state m.slot", "shl m.state \(state.partBits)", "or m.state \(place.part)"])
    text.lines(["jmpneq DROP h.cell.chunks \(schedule.cells.count)", "jmpneq PASS\(label) h.cell.pass 0"])
    arrival(&text)
    dispatch(&text)
    for (chunk, cell) in schedule.cells.enumerated() {
      for (number, pass) in cell.passes.enumerated() {
        sum(pass, chunk, number, isLast: number == cell.passes.count - 1, &text)
      }
    }
    for number in schedule.neurons.indices { neuron(number, &text) }
    for number in schedule.neurons.indices { tail(number, &text) }
  }

  /// A cell's first pass: of an older inference than the slot's, or a second time, it is dropped.
  private func arrival(_ text: inout SWXText) {
    for (chunk, cell) in schedule.cells.enumerated() {
      text.line("jmpneq OTHER\(label)_\(chunk) h.cell.chunk \(chunk)")
      text.lines(["jmpeq FITS\(label) h.cell.length \(cell.bytes)", "jmp DROP"])
      text.label("OTHER\(label)_\(chunk)")
    }
    text.line("jmp DROP")
    text.label("FITS\(label)")
    text.lines([
      "regrd m.owner owners m.state", "jmpeq OWN\(label) m.owner m.tag", "jmpeq NEW\(label) m.owner 0",
      // Inference and attempt: 40 bits, whose difference's highest one says which is the older.
      "mov m.t m.tag", "sub m.t m.owner", "shr m.t 39", "and m.t 1", "jmpeq DROP m.t 1",
    ])
    text.label("NEW\(label)")
    text.lines(["regwr owners m.state m.tag", "regwr arrived m.state 0"])
    text.label("OWN\(label)")
    text.lines([
      "regrd m.bits arrived m.state", "mov m.t 1", "shl m.t h.cell.chunk", "mov m.x m.bits", "and m.x m.t",
      "jmpneq DROP m.x 0", "or m.bits m.t", "regwr arrived m.state m.bits",
    ])
    text.label("PASS\(label)")
    text.lines(["regrd m.owner owners m.state", "jmpneq DROP m.owner m.tag"])
  }

  private func dispatch(_ text: inout SWXText) {
    for number in schedule.neurons.indices {
      text.line("jmpeq TAIL\(label)_\(number) h.cell.pass \(SWXSpecification.tailBit | number)")
    }
    for (chunk, cell) in schedule.cells.enumerated() {
      text.line("jmpneq AFTER\(label)_\(chunk) h.cell.chunk \(chunk)")
      for number in cell.passes.indices {
        text.line("jmpeq SUM\(label)_\(chunk)_\(number) h.cell.pass \(number)")
      }
      text.label("AFTER\(label)_\(chunk)")
    }
    text.line("jmp DROP")
  }

  /// One pass: each element is shifted by the bits of its weight's magnitude, and added or taken off.
  private func sum(
    _ pass: ShiftAddSchedule.SumPass, _ chunk: Int, _ number: Int, isLast: Bool, _ text: inout SWXText
  ) {
    text.label("SUM\(label)_\(chunk)_\(number)")
    text.line("mov m.sum 0")
    for term in pass.terms where term.magnitude > 0 {
      element(term.element, &text)
      for shift in term.shifts {
        text.line("mov m.t m.x")
        if shift > 0 { text.line("shl m.t \(shift)") }
        text.line("\(term.isNegative ? "sub" : "add") m.sum m.t")
      }
    }
    text.lines([
      "mov m.count \(pass.terms.count)", "mov m.next \(number + 1)", "mov m.ends \(isLast ? 1 : 0)",
      "jmp NEURON\(label)_\(pass.neuron)",
    ])
  }

  /// An element of the cell, its sign extended to 64 bits, in `m.x`.
  private func element(_ number: Int, _ text: inout SWXText) {
    let bytes = schedule.elementBytes
    text.line("mov m.x h.data.b\(number * bytes + bytes - 1)")
    if bytes == 2 { text.lines(["shl m.x 8", "or m.x h.data.b\(number * bytes)"]) }
    let sign = 1 << (8 * bytes - 1)
    text.lines(["xor m.x \(sign)", "sub m.x \(sign)"])
  }

  /// Adds a pass's sum to the neuron's, and finishes it when all inputs were there.
  private func neuron(_ number: Int, _ text: inout SWXText) {
    let name = "\(label)_\(number)"
    text.label("NEURON\(name)")
    index(number, &text)
    text.lines(["mov m.total 0", "regrd m.owner tags m.neuron", "jmpneq FRESH\(name) m.owner m.tag"])
    text.lines(["regrd m.total sums m.neuron", "regrd m.t counts m.neuron", "add m.count m.t"])
    text.label("FRESH\(name)")
    text.lines(["add m.total m.sum", "jmpneq STORE\(name) m.count \(schedule.inputs)"])
    requantize(schedule.neurons[number], name, &text)
    text.label("STORE\(name)")
    text.lines([
      "regwr tags m.neuron m.tag", "regwr sums m.neuron m.total", "regwr counts m.neuron m.count",
      "mov h.cell.pass m.next", "jmpeq ROUND m.ends 0", "jmpneq DROP m.count \(schedule.inputs)",
      "mov h.cell.pass \(SWXSpecification.tailBit)", "jmp ROUND",
    ])
  }

  private func index(_ number: Int, _ text: inout SWXText) {
    text.lines([
      "mov m.neuron m.slot", "shl m.neuron \(state.neuronBits)", "or m.neuron \(place.firstNeuron + number)",
    ])
  }

  /// v = (sum + bias) · multiplier >> shift, cut to the range, in `m.total`.
  private func requantize(_ neuron: ShiftAddSchedule.Neuron, _ name: String, _ text: inout SWXText) {
    text.lines(["add m.total \(UInt64(bitPattern: neuron.bias))", "mov m.product 0"])
    for shift in neuron.multiplier.setBits {
      text.lines(["mov m.t m.total", "shl m.t \(shift)", "add m.product m.t"])
    }
    text.lines([
      "mov m.t m.product", "shr m.t 63", "mov m.sign 0", "sub m.sign m.t", "xor m.product m.sign",
      "shr m.product \(neuron.shift)", "xor m.product m.sign", "xor m.product \(Self.signBit)",
    ])
    let (low, high) = (Self.ordered(neuron.range.lowerBound), Self.ordered(neuron.range.upperBound))
    text.lines(["jmpgt LOW\(name) m.product \(low)", "mov m.product \(low)"])
    text.label("LOW\(name)")
    text.lines(["jmplt HIGH\(name) m.product \(high)", "mov m.product \(high)"])
    text.label("HIGH\(name)")
    text.lines(["xor m.product \(Self.signBit)", "mov m.total m.product"])
  }

  private static func ordered(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ signBit }

  /// A pass of the tail, from the last neuron to the first.
  private func tail(_ number: Int, _ text: inout SWXText) {
    let neuron = schedule.neurons.count - 1 - number
    text.label("TAIL\(label)_\(number)")
    if number == 0 { text.lines((0..<region).map { "mov h.data.b\($0) 0" }) }
    index(neuron, &text)
    text.line("regrd m.total sums m.neuron")
    switch schedule.tail {
    case .collect: store(at: neuron * schedule.output.elementBytes, &text)
    case .argmax(let unit): compare(neuron, isFirst: number == 0, answer: Int64(neuron) * unit, &text)
    }
    text.lines(["mov h.cell.pass \(SWXSpecification.tailBit | number + 1)"])
    guard number == schedule.neurons.count - 1 else { return text.line("jmp ROUND") }
    if case .argmax = schedule.tail {
      text.line("regrd m.total answers m.state")
      store(at: 0, &text)
    }
    send(&text)
  }

  /// Writes `m.total` to the cell, its lowest byte first.
  private func store(at place: Int, _ text: inout SWXText) {
    for byte in 0..<schedule.output.elementBytes {
      text.line("mov h.data.b\(place + byte) m.total")
      text.line("shr m.total 8")
    }
  }

  /// Of equal ones the last that is compared stays, which is the first of all.
  private func compare(_ neuron: Int, isFirst: Bool, answer: Int64, _ text: inout SWXText) {
    text.line("xor m.total \(Self.signBit)")
    if !isFirst { text.lines(["regrd m.t best m.state", "jmplt LESS\(label)_\(neuron) m.total m.t"]) }
    text.lines(["regwr best m.state m.total", "regwr answers m.state \(UInt64(bitPattern: answer))"])
    if !isFirst { text.label("LESS\(label)_\(neuron)") }
  }

  private func send(_ text: inout SWXText) {
    let output = schedule.output
    let kind = Int32((output.isAnswer ? FABRIC_ANSWER : FABRIC_DATA).rawValue)
    text.lines([
      "mov h.cell.version_kind \(FABRIC_VERSION << 4 | kind)", "mov h.cell.hops \(FABRIC_HOP_LIMIT)",
      "mov h.cell.label \(output.label)", "mov h.cell.chunk \(output.chunk)",
      "mov h.cell.chunks \(output.chunks)", "mov h.cell.length \(output.bytes)", "mov h.cell.checksum 0",
      "mov h.cell.pass 0", "jmp \(output.isAnswer ? "SEND" : "ROUND")",
    ])
  }
}
