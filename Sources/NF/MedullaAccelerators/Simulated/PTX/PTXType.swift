/// The type at the end of an instruction's name.
struct PTXType: Equatable {
  var bits: Int
  var isSigned = false
  var isFloat = false

  init(bits: Int) { self.bits = bits }

  init?(_ name: String) {
    if name == "pred" {
      self.init(bits: 1)
      return
    }
    guard let kind = name.first, let bits = Int(name.dropFirst()), [8, 16, 32, 64].contains(bits),
      "busf".contains(kind)
    else { return nil }
    self.init(bits: bits)
    isSigned = kind == "s"
    isFloat = kind == "f"
  }
}

extension PTXKernelReader {
  /// What an instruction with a result does, by the parts of its name; nil for one that is not known.
  static func operation(_ parts: [Substring], _ type: PTXType) -> PTXInstruction.Operation? {
    if type.isFloat { return floatOperation(parts) }
    switch parts.first {
    case "mov", "cvta": return .move
    case "add": return .add
    case "sub": return .subtract
    case "mul": return parts.contains("wide") ? .multiplyWide : parts.contains("lo") ? .multiplyLow : nil
    case "mad": return parts.contains("lo") ? .multiplyAdd : nil
    case "div": return .divide
    case "rem": return .remainder
    case "neg": return .negate
    case "and": return .and
    case "or": return .or
    case "xor": return .xor
    case "not": return .not
    case "shl": return .shiftLeft
    case "shr": return .shiftRight
    case "min": return .minimum
    case "max": return .maximum
    case "selp": return .select
    case "setp":
      guard parts.count == 3 else { return nil }
      return PTXInstruction.Comparison(rawValue: String(parts[1])).map { .compare($0) }
    case "cvt":
      if parts.contains("f32") { return parts.contains("rn") ? .floatFromInteger : nil }
      return parts.count == 3 ? .convert : nil
    case "shfl": return parts.contains("sync") && parts.contains("idx") ? .shuffle : nil
    default: return nil
    }
  }

  private static func floatOperation(_ parts: [Substring]) -> PTXInstruction.Operation? {
    switch parts.first {
    case "mov": .move
    case "add" where parts == ["add", "rn", "f32"]: .addFloat
    case "mul" where parts == ["mul", "rn", "f32"]: .multiplyFloat
    default: nil
    }
  }

  static func sources(of operation: PTXInstruction.Operation) -> Int {
    switch operation {
    case .move, .negate, .not, .convert, .floatFromInteger: 1
    case .multiplyAdd, .select: 3
    // Its lane is 0 and its mask all lanes, which the interpreter takes for granted.
    case .shuffle: 4
    default: 2
    }
  }
}
