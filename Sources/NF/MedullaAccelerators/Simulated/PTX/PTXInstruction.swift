/// One instruction of a kernel, decoded: operands are registers, also constants and special ones.
struct PTXInstruction {
  enum Operation {
    case move, add, subtract, multiplyLow, multiplyWide, multiplyAdd, divide, remainder, negate
    case and, or, xor, not, shiftLeft, shiftRight, minimum, maximum
    case addFloat, multiplyFloat, floatFromInteger, convert
    case compare(Comparison), select
    case load, store, branch, end, barrier, warpBarrier, fence, shuffle
  }

  enum Comparison: String {
    case equal = "eq"
    case notEqual = "ne"
    case less = "lt"
    case lessOrEqual = "le"
    case greater = "gt"
    case greaterOrEqual = "ge"
  }

  var operation: Operation
  /// Bits of what it works on: 8, 16, 32 or 64; 1 for predicates.
  var bits: Int
  var isSigned: Bool
  /// Of the register that it writes.
  var resultBits = 64
  /// A predicate register that must hold `guardValue`; nil: it is always done.
  var guardRegister: Int?
  var guardValue: UInt64 = 1
  /// Registers that it writes; several for a vector.
  var results: [Int] = []
  var a = 0
  var b = 0
  var c = 0
  /// Added to the address in `a`.
  var offset: Int64 = 0
  /// What a store writes.
  var stored: [Int] = []
  var isVolatile = false
  /// The index of the instruction that a branch leads to.
  var target = 0
  /// In the text, counted from 1.
  var line: Int
}

/// A kernel that can be run: `kernels.ptx` has one for each entry.
struct PTXKernel {
  var name: String
  var instructions: [PTXInstruction]
  var registerCount: Int
  /// Registers that hold the parameters, in order.
  var parameters: [Int]
  /// Registers that hold one value throughout.
  var constants: [(register: Int, value: UInt64)]
  var special: [(register: Int, value: Special)]

  enum Special: String {
    case thread = "%tid.x"
    case threads = "%ntid.x"
    case block = "%ctaid.x"
    case blocks = "%nctaid.x"
  }
}
