import CMedullaFabric

/// What `simple_switch_CLI` is told for one switch: multicast groups, then the entries of all tables.
struct P4Commands {
  /// Of a switch: each is a line that a switch is told one after the other.
  static let entryLimit = 1 << 16

  let text: String

  init(_ ways: [P4Ways.Way], _ parts: [P4Commands.Part], model: Int, epoch: Int) {
    var lines: [String] = []
    var nodes = 0
    for (number, way) in ways.enumerated() {
      let group = number + 1
      lines.append("mc_mgrp_create \(group)")
      for (copy, ports) in [(0, way.ports), (1, way.isHere ? [P4Ways.firstPort] : [])] where !ports.isEmpty {
        lines.append("mc_node_create \(copy) \(ports.map(String.init).joined(separator: " "))")
        // Handles are counted from 0 on a switch that has just begun.
        lines.append("mc_node_associate \(group) \(nodes)")
        nodes += 1
      }
      lines.append(Self.entry("ways", "to_group", [model, epoch, way.label, way.cameBy], ["\(group)"]))
    }
    for part in parts { lines += part.entries(model: model, epoch: epoch) }
    text = lines.map { $0 + "\n" }.joined()
  }

  fileprivate static func entry(
    _ table: String, _ action: String, _ key: [Int], _ values: [String]
  ) -> String {
    "table_add CellIngress.\(table) CellIngress.\(action) "
      + "\(key.map(String.init).joined(separator: " ")) => \(values.joined(separator: " "))"
  }
}

extension P4Commands {
  /// A part of a layer on a switch.
  struct Part {
    let schedule: ShiftAddSchedule
    let place: ShiftAddState.Place
    /// Multiplications in a pass.
    let terms: Int

    /// How many there will be.
    var entryCount: Int { schedule.passCount + schedule.neurons.count + schedule.cells.count + 1 }

    func entries(model: Int, epoch: Int) -> [String] {
      var lines: [String] = []
      for (chunk, cell) in schedule.cells.enumerated() {
        lines.append(
          entry(
            "cells", "take", [model, epoch, schedule.label, chunk, schedule.cells.count, cell.bytes],
            ["\(place.part)", "\(place.firstNeuron)", "\(schedule.inputs)"]))
        for (number, pass) in cell.passes.enumerated() {
          let ends = number == cell.passes.count - 1
          lines.append(entry("passes", "sum", [place.part, chunk, number], values(of: pass, ends: ends)))
        }
      }
      return lines + neurons + tails + [output]
    }

    private func entry(_ table: String, _ action: String, _ key: [Int], _ values: [String]) -> String {
      P4Commands.entry(table, action, key, values)
    }

    private func values(of pass: ShiftAddSchedule.SumPass, ends: Bool) -> [String] {
      let weights = (0..<terms).flatMap { number -> [String] in
        guard number < pass.terms.count else { return ["0", "0"] }
        return [pass.terms[number].isNegative ? "1" : "0", "\(pass.terms[number].magnitude)"]
      }
      return ["\(pass.neuron)", "\(pass.terms.count)", pass.turns ? "1" : "0", ends ? "1" : "0"] + weights
    }

    private var neurons: [String] {
      schedule.neurons.enumerated().map { number, neuron in
        let bounds = [neuron.range.lowerBound, neuron.range.upperBound].map {
          "\(p4: UInt64(bitPattern: $0) ^ 1 << 63)"
        }
        return entry(
          "neurons", "requantize", [place.part, number],
          ["\(p4: UInt64(bitPattern: neuron.bias))", "\(p4: neuron.multiplier)", "\(neuron.shift)"] + bounds)
      }
    }

    private var tails: [String] {
      schedule.neurons.indices.map { number in
        let neuron = schedule.neurons.count - 1 - number
        let ends = [number == 0 ? "1" : "0", neuron == 0 ? "1" : "0"]
        switch schedule.tail {
        case .collect:
          let isWide = schedule.output.elementBytes == 8 ? "1" : "0"
          return entry("tails", "collect", [place.part, number], ["\(neuron)", isWide] + ends)
        case .argmax(let unit):
          let answer = UInt64(bitPattern: Int64(neuron) * unit)
          return entry("tails", "compare", [place.part, number], ["\(neuron)", "\(p4: answer)"] + ends)
        }
      }
    }

    private var output: String {
      let cell = schedule.output
      let kind = (cell.isAnswer ? FABRIC_ANSWER : FABRIC_DATA).rawValue
      return entry(
        "outputs", "send", [place.part],
        ["\(kind)", "\(cell.label)", "\(cell.chunk)", "\(cell.chunks)", "\(cell.bytes)"])
    }
  }
}
