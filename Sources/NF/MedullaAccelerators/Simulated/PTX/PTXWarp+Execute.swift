import Synchronization

extension PTXWarp {
  /// One instruction for the lanes of `mask`; branches, barriers and ends are done by the caller.
  func execute<Memory: KernelMemory>(
    _ i: PTXInstruction, _ mask: UInt32, _ memory: inout Memory
  ) throws(AcceleratorError) {
    switch i.operation {
    case .move: unary(i, mask) { $0 }
    case .convert: unary(i, mask) { Self.extended($0, i.bits, i.isSigned) }
    case .negate: unary(i, mask) { 0 &- $0 }
    case .not: unary(i, mask) { i.bits == 1 ? $0 ^ 1 : ~$0 }
    case .floatFromInteger:
      unary(i, mask) { value in
        let whole = Int64(bitPattern: Self.extended(value, i.bits, i.isSigned))
        return UInt64((i.isSigned ? Float(whole) : Float(UInt64(bitPattern: whole))).bitPattern)
      }
    case .add: binary(i, mask) { $0 &+ $1 }
    case .subtract: binary(i, mask) { $0 &- $1 }
    case .multiplyLow: binary(i, mask) { $0 &* $1 }
    case .multiplyWide:
      binary(i, mask) { Self.extended($0, i.bits, i.isSigned) &* Self.extended($1, i.bits, i.isSigned) }
    case .multiplyAdd:
      let c = registers + i.c * Self.lanes
      each(mask) { lane in write(i, lane, a(i, lane) &* b(i, lane) &+ c[lane]) }
    case .divide, .remainder: divide(i, mask)
    case .and: binary(i, mask) { $0 & $1 }
    case .or: binary(i, mask) { $0 | $1 }
    case .xor: binary(i, mask) { $0 ^ $1 }
    case .shiftLeft: binary(i, mask) { $0 << UInt64(UInt32(truncatingIfNeeded: $1)) }
    case .shiftRight:
      binary(i, mask) { value, amount in
        let wide = Self.extended(value, i.bits, i.isSigned)
        let shift = UInt64(UInt32(truncatingIfNeeded: amount))
        return i.isSigned ? UInt64(bitPattern: Int64(bitPattern: wide) >> shift) : wide >> shift
      }
    case .minimum: binary(i, mask) { self.isLess(i, $0, $1) ? $0 : $1 }
    case .maximum: binary(i, mask) { self.isLess(i, $0, $1) ? $1 : $0 }
    case .addFloat: binary(i, mask) { Self.float($0, $1, +) }
    case .multiplyFloat: binary(i, mask) { Self.float($0, $1, *) }
    case .compare(let comparison): compare(i, mask, comparison)
    case .select:
      let c = registers + i.c * Self.lanes
      each(mask) { lane in write(i, lane, c[lane] != 0 ? a(i, lane) : b(i, lane)) }
    case .shuffle: shuffle(i, mask)
    case .fence: atomicMemoryFence(ordering: .sequentiallyConsistent)
    case .load: try load(i, mask, &memory)
    case .store: try store(i, mask, &memory)
    case .branch, .barrier, .warpBarrier, .end: break
    }
  }

  @inline(__always)
  private func each(_ mask: UInt32, _ body: (Int) -> Void) {
    if mask == .max {
      for lane in 0..<Self.lanes { body(lane) }
    } else {
      var rest = mask
      while rest != 0 {
        body(rest.trailingZeroBitCount)
        rest &= rest &- 1
      }
    }
  }

  @inline(__always)
  private func a(_ i: PTXInstruction, _ lane: Int) -> UInt64 { registers[i.a * Self.lanes + lane] }

  @inline(__always)
  private func b(_ i: PTXInstruction, _ lane: Int) -> UInt64 { registers[i.b * Self.lanes + lane] }

  @inline(__always)
  private func write(_ i: PTXInstruction, _ lane: Int, _ value: UInt64) {
    registers[i.results[0] * Self.lanes + lane] = Self.low(value, i.resultBits)
  }

  @inline(__always)
  private func unary(_ i: PTXInstruction, _ mask: UInt32, _ body: (UInt64) -> UInt64) {
    let source = registers + i.a * Self.lanes
    let result = registers + i.results[0] * Self.lanes
    each(mask) { lane in result[lane] = Self.low(body(source[lane]), i.resultBits) }
  }

  @inline(__always)
  private func binary(_ i: PTXInstruction, _ mask: UInt32, _ body: (UInt64, UInt64) -> UInt64) {
    let (left, right) = (registers + i.a * Self.lanes, registers + i.b * Self.lanes)
    let result = registers + i.results[0] * Self.lanes
    each(mask) { lane in result[lane] = Self.low(body(left[lane], right[lane]), i.resultBits) }
  }

  @inline(__always)
  static func low(_ value: UInt64, _ bits: Int) -> UInt64 {
    bits >= 64 ? value : value & ((1 << UInt64(bits)) - 1)
  }

  /// The low `bits` as a number of 64 bits.
  @inline(__always)
  static func extended(_ value: UInt64, _ bits: Int, _ isSigned: Bool) -> UInt64 {
    let unused = UInt64(64 - bits)
    return isSigned
      ? UInt64(bitPattern: Int64(bitPattern: value << unused) >> unused) : (value << unused) >> unused
  }

  @inline(__always)
  private func isLess(_ i: PTXInstruction, _ left: UInt64, _ right: UInt64) -> Bool {
    let (left, right) = (Self.extended(left, i.bits, i.isSigned), Self.extended(right, i.bits, i.isSigned))
    return i.isSigned ? Int64(bitPattern: left) < Int64(bitPattern: right) : left < right
  }

  @inline(__always)
  private static func float(_ left: UInt64, _ right: UInt64, _ body: (Float, Float) -> Float) -> UInt64 {
    let (left, right) = (UInt32(truncatingIfNeeded: left), UInt32(truncatingIfNeeded: right))
    return UInt64(body(Float(bitPattern: left), Float(bitPattern: right)).bitPattern)
  }

  /// A division by 0 gives all ones, as the device's does: no program of ours may rely on it.
  private func divide(_ i: PTXInstruction, _ mask: UInt32) {
    let isQuotient = if case .divide = i.operation { true } else { false }
    binary(i, mask) { left, right in
      let x = Self.extended(left, i.bits, i.isSigned)
      let y = Self.extended(right, i.bits, i.isSigned)
      guard y != 0 else { return .max }
      guard i.isSigned else { return isQuotient ? x / y : x % y }
      let (p, q) = (Int64(bitPattern: x), Int64(bitPattern: y))
      let value =
        isQuotient ? p.dividedReportingOverflow(by: q) : p.remainderReportingOverflow(dividingBy: q)
      return UInt64(bitPattern: value.partialValue)
    }
  }

  private func compare(_ i: PTXInstruction, _ mask: UInt32, _ comparison: PTXInstruction.Comparison) {
    func apply(_ body: (UInt64, UInt64) -> Bool) { binary(i, mask) { body($0, $1) ? 1 : 0 } }
    switch comparison {
    case .equal: apply { Self.low($0, i.bits) == Self.low($1, i.bits) }
    case .notEqual: apply { Self.low($0, i.bits) != Self.low($1, i.bits) }
    case .less: apply { self.isLess(i, $0, $1) }
    case .lessOrEqual: apply { !self.isLess(i, $1, $0) }
    case .greater: apply { self.isLess(i, $1, $0) }
    case .greaterOrEqual: apply { !self.isLess(i, $0, $1) }
    }
  }

  /// The caller sees to it that all lanes are there, as the instruction demands.
  private func shuffle(_ i: PTXInstruction, _ mask: UInt32) {
    let values = (0..<Self.lanes).map { a(i, $0) }
    each(mask) { lane in write(i, lane, values[Int(b(i, lane) & 31)]) }
  }
}
