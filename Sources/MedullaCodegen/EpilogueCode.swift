import MedullaSnapshot

/// The C of function tables and epilogues.
struct EpilogueCode {
  let shape: ProgramShape
  let places: WeightPlaces

  /// `medulla_tableN`: a coordinate, cut to the table, and its line's value.
  func writeTable(_ index: Int, into source: inout CSource) {
    let table = shape.tables[index]
    let last = table.maximumCoordinate
    let lines = "\(table.segments) lines" + (table.isHalved ? ", the upper half held" : "")
    source.line("/* \(table.function.rawValue): \(lines), 1 is \(table.amplitude) */")
    source.function([
      "static __always_inline __s64 medulla_table\(index)(\(CType.image)image, __s64 v)"
    ]) { source in
      source.line("\(CType.line)line;")
      source.line(table.isHalved ? "__s64 at, below;" : "__s64 at;")
      source.line()
      source.line("if (__builtin_expect((__u64)v > \(last), 0))")
      source.line("\tv = v < 0 ? 0 : \(last);")
      if table.isHalved {
        source.lines(turn(table))
      } else {
        source.line("at = (v >> \(table.fractionBits)) << 3;")
      }
      source.line("MEDULLA_HOLD(at);")
      source.line(
        "line = (\(CType.line))((\(CType.bytes))\(CType.weights("image", places.table(index))) + at);")
      guard table.isHalved else {
        source.line("return (line[0] + line[1] * v) >> \(table.guardBits);")
        return
      }
      source.line("v = (line[0] + line[1] * v) >> \(table.guardBits);")
      let mirrored = "(v ^ below) - below"
      source.line(
        table.function == .sigmoid
          ? "return \(mirrored) + (below & \(table.amplitude));" : "return \(mirrored);")
    }
  }

  /// Makes `v` the distance from the middle and `below` all ones where it lay below.
  private func turn(_ table: FunctionTable) -> [String] {
    [
      "/* Below the middle the mirror's line serves, with its value turned. */",
      "v -= \(table.middle);", "below = v >> 63;", "MEDULLA_HOLD(below);", "v ^= below;",
      "at = (v >> \(table.fractionBits - 3)) & \((table.heldLines - 1) << 3);", "v -= below;",
    ]
  }

  /// `medulla_finishN`: what happens to a sum of step `index`.
  func write(_ epilogue: Epilogue, step index: Int, into source: inout CSource) {
    source.function([
      "static __always_inline __s64 medulla_finish\(index)(\(CType.image)image,",
      "\t\t\t\t\t      __s64 sum, __s64 multiplier)",
    ]) { source in
      source.line("__s64 v = (sum * multiplier) >> \(epilogue.shift);")
      source.line()
      source.lines(statements(epilogue.function, step: index))
    }
  }

  private func statements(_ function: Epilogue.Function, step index: Int) -> [String] {
    switch function {
    case .identity: return ["return v;"]
    case .table(let table): return ["return medulla_table\(table)(image, v);"]
    case .clamp(let low, let high): return Self.cut("v", low: "\(low)LL", high: "\(high)LL") + ["return v;"]
    case .clip:
      let bounds = CType.weights("image", places.common(of: index))
      return Self.cut("v", low: CType.weight(bounds, 0), high: CType.weight(bounds, 1)) + [
        "return v;"
      ]
    case .leaky(let multiplier, let shift, let limit):
      return [
        "if (v < 0)", "\tv = (v * \(multiplier)LL + \(Int64(1) << Int64(shift - 1))LL) >> \(shift);",
      ] + Self.cut("v", low: "-\(limit)LL", high: "\(limit)LL") + ["return v;"]
    }
  }

  private static func cut(_ name: String, low: String, high: String) -> [String] {
    ["if (\(name) > \(high))", "\t\(name) = \(high);", "if (\(name) < \(low))", "\t\(name) = \(low);"]
  }
}
