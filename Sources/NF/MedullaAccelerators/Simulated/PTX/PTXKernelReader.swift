/// Reads the lines of one kernel.
struct PTXKernelReader {
  private var kernel: PTXKernel
  private var registers: [String: Int] = [:]
  private var widths: [Int] = []
  private var parameterNames: [String] = []
  private var labels: [String: Int] = [:]
  private var branches: [(instruction: Int, label: String)] = []
  private var hasBody = false

  /// Instructions of a kernel.
  static let instructionLimit = 65_536

  init(name: String) {
    kernel = PTXKernel(
      name: name, instructions: [], registerCount: 0, parameters: [], constants: [], special: [])
  }

  static func unknown(_ line: Substring, _ number: Int) -> AcceleratorError {
    AcceleratorError(
      .failed, "line \(number) of the PTX is not understood", cause: String(line.prefix(100)),
      remedy: "the simulated device knows the instructions of kernels.ptx; add what a new one needs")
  }

  mutating func take(_ line: Substring, number: Int) throws(AcceleratorError) {
    if line == "{" {
      hasBody = true
    } else if !hasBody {
      try declare(parameter: line, number)
    } else if line.hasPrefix(".reg ") {
      return
    } else if line.hasSuffix(":") {
      labels[String(line.dropLast())] = kernel.instructions.count
    } else if line.hasPrefix(".pragma ") {
      return
    } else {
      guard line.hasSuffix(";"), kernel.instructions.count < Self.instructionLimit else {
        throw Self.unknown(line, number)
      }
      try instruct(line.dropLast(), number)
    }
  }

  mutating func finished() throws(AcceleratorError) -> PTXKernel {
    for (instruction, label) in branches {
      guard let target = labels[label] else {
        throw AcceleratorError(.failed, "\(kernel.name) branches to \(label), which it does not have")
      }
      kernel.instructions[instruction].target = target
    }
    // A label may stand behind the last instruction.
    kernel.instructions.append(PTXInstruction(operation: .end, bits: 64, isSigned: false, line: 0))
    kernel.registerCount = widths.count
    return kernel
  }

  private mutating func declare(parameter line: Substring, _ number: Int) throws(AcceleratorError) {
    if line == "(" || line == ")" { return }
    let words = line.split { $0 == " " || $0 == "," }
    guard words.count == 3, words[0] == ".param" else { throw Self.unknown(line, number) }
    parameterNames.append(String(words[2]))
    kernel.parameters.append(register(named: "param:" + words[2], bits: 64))
  }

  private mutating func register(named name: String, bits: Int) -> Int {
    if let known = registers[name] { return known }
    registers[name] = widths.count
    widths.append(bits)
    return widths.count - 1
  }

  /// A register, a constant or a special register.
  private mutating func operand(
    _ text: Substring, isFloat: Bool = false, _ number: Int
  ) throws(AcceleratorError) -> Int {
    if let special = PTXKernel.Special(rawValue: String(text)) {
      let isNew = registers[String(text)] == nil
      let register = register(named: String(text), bits: 32)
      if isNew { kernel.special.append((register, special)) }
      return register
    }
    if text.hasPrefix("%") {
      let kind = text.dropFirst().prefix { $0.isLetter }
      guard let bits = ["p": 1, "rs": 16, "r": 32, "f": 32, "rd": 64][kind] else {
        throw Self.unknown(text, number)
      }
      return register(named: String(text), bits: bits)
    }
    let value: UInt64?
    if text.hasPrefix("0f") {
      value = UInt64(text.dropFirst(2), radix: 16)
    } else {
      value = Int64(text).map { UInt64(bitPattern: $0) } ?? UInt64(text)
    }
    guard let value else { throw Self.unknown(text, number) }
    let isNew = registers["constant:" + text] == nil
    let register = register(named: "constant:" + text, bits: 64)
    if isNew { kernel.constants.append((register, value)) }
    return register
  }

  private mutating func instruct(_ line: Substring, _ number: Int) throws(AcceleratorError) {
    var rest = line
    var guardRegister: Int?
    var guardValue: UInt64 = 1
    if rest.hasPrefix("@") {
      let name = rest.dropFirst().prefix { !$0.isWhitespace }
      rest = rest.dropFirst(name.count + 1)
      if name.hasPrefix("!") { guardValue = 0 }
      guardRegister = try operand(name.hasPrefix("!") ? name.dropFirst() : name, number)
    }
    rest = rest.drop { $0.isWhitespace }
    let opcode = rest.prefix { !$0.isWhitespace }
    let operands = Self.operands(rest.dropFirst(opcode.count))
    var instruction = try decode(opcode.split(separator: "."), operands, line, number)
    instruction.guardRegister = guardRegister
    instruction.guardValue = guardValue
    kernel.instructions.append(instruction)
  }

  /// Split at commas outside braces.
  private static func operands(_ text: Substring) -> [Substring] {
    var operands: [Substring] = []
    var start = text.startIndex
    var depth = 0
    for index in text.indices {
      switch text[index] {
      case "{": depth += 1
      case "}": depth -= 1
      case "," where depth == 0:
        operands.append(text[start..<index])
        start = text.index(after: index)
      default: break
      }
    }
    operands.append(text[start...])
    return operands.map { $0.filter { !$0.isWhitespace }[...] }.filter { !$0.isEmpty }
  }

  private mutating func decode(
    _ parts: [Substring], _ operands: [Substring], _ line: Substring, _ number: Int
  ) throws(AcceleratorError) -> PTXInstruction {
    let type = parts.last.flatMap { PTXType(String($0)) } ?? PTXType(bits: 64)
    var instruction = PTXInstruction(
      operation: .end, bits: type.bits, isSigned: type.isSigned, line: number)
    switch parts.first {
    case "ret", "exit": return instruction
    case "bra":
      guard operands.count == 1 else { throw Self.unknown(line, number) }
      instruction.operation = .branch
      branches.append((kernel.instructions.count, String(operands[0])))
      return instruction
    case "bar": instruction.operation = parts.contains("warp") ? .warpBarrier : .barrier
    case "membar", "fence": instruction.operation = .fence
    case "ld": return try decodeLoad(parts, operands, instruction, line)
    case "st": return try decodeStore(parts, operands, instruction, line)
    default:
      guard let operation = Self.operation(parts, type), let result = operands.first else {
        throw Self.unknown(line, number)
      }
      instruction.operation = operation
      // A source type of its own stands last; what is written has the width of its register.
      instruction.results = [try operand(result, number)]
      instruction.resultBits = widths[instruction.results[0]]
      let sources = operands.dropFirst()
      guard sources.count == Self.sources(of: operation) else { throw Self.unknown(line, number) }
      var registers: [Int] = []
      for source in sources { registers.append(try operand(source, isFloat: type.isFloat, number)) }
      instruction.a = registers[0]
      if registers.count > 1 { instruction.b = registers[1] }
      if registers.count > 2 { instruction.c = registers[2] }
    }
    return instruction
  }

  private mutating func decodeLoad(
    _ parts: [Substring], _ operands: [Substring], _ template: PTXInstruction, _ line: Substring
  ) throws(AcceleratorError) -> PTXInstruction {
    var instruction = template
    guard operands.count == 2 else { throw Self.unknown(line, template.line) }
    instruction.results = try vector(operands[0], template.line)
    instruction.resultBits = widths[instruction.results[0]]
    let (base, offset) = try address(operands[1], line, template.line)
    if parts.contains("param") {
      guard offset == 0, let register = registers["param:" + base] else {
        throw Self.unknown(line, template.line)
      }
      instruction.operation = .move
      instruction.a = register
      return instruction
    }
    instruction.operation = .load
    instruction.isVolatile = parts.contains("volatile")
    instruction.a = try operand(base, template.line)
    instruction.offset = offset
    return instruction
  }

  private mutating func decodeStore(
    _ parts: [Substring], _ operands: [Substring], _ template: PTXInstruction, _ line: Substring
  ) throws(AcceleratorError) -> PTXInstruction {
    var instruction = template
    guard operands.count == 2 else { throw Self.unknown(line, template.line) }
    let (base, offset) = try address(operands[0], line, template.line)
    instruction.operation = .store
    instruction.isVolatile = parts.contains("volatile")
    instruction.a = try operand(base, template.line)
    instruction.offset = offset
    instruction.stored = try vector(operands[1], template.line)
    return instruction
  }

  private mutating func vector(_ text: Substring, _ number: Int) throws(AcceleratorError) -> [Int] {
    var registers: [Int] = []
    for name in text.filter({ $0 != "{" && $0 != "}" }).split(separator: ",") {
      registers.append(try operand(name, number))
    }
    guard !registers.isEmpty else { throw Self.unknown(text, number) }
    return registers
  }

  private func address(
    _ text: Substring, _ line: Substring, _ number: Int
  ) throws(AcceleratorError) -> (base: Substring, offset: Int64) {
    guard text.hasPrefix("["), text.hasSuffix("]") else { throw Self.unknown(line, number) }
    let inside = text.dropFirst().dropLast()
    guard let sign = inside.firstIndex(of: "+") else { return (inside, 0) }
    guard let offset = Int64(inside[inside.index(after: sign)...]) else {
      throw Self.unknown(line, number)
    }
    return (inside[..<sign], offset)
  }
}
