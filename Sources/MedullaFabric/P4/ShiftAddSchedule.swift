import MedullaSnapshot

/// One part of a dense layer as passes of its cells through a switch that shifts and adds, and multiplies
/// nothing.
///
/// K. Razavi et al., "Distributed DNN Serving in the Network Data Plane", EuroP4 2022, §3: a multiplication
/// is a sum of the input shifted by the set bits of the 8-bit weight; partial sums and a counter lie in
/// registers of each neuron; a cell is recirculated for the next set of operations until all are done.
///
/// A cell takes its passes in order: for each group of its elements, as many as a pass multiplies, one pass
/// for each neuron. So the pass that makes the last neuron whole finds all others whole, and its cell goes on
/// with the tail, which puts the outputs together one by one. Cells may come, and take turns, in any order.
package struct ShiftAddSchedule: Sendable, Equatable {
  /// Multiplications in a pass; the paper has "few 10's" of them.
  package static let standardTerms = 8
  package static let weightBits = 8

  /// A multiplication.
  package struct Term: Sendable, Equatable {
    /// Of its cell.
    package let element: Int
    package let isNegative: Bool
    /// Below 2^8.
    package let magnitude: UInt64

    package init(element: Int, weight: Int32) {
      self.element = element
      isNegative = weight < 0
      magnitude = UInt64(weight.magnitude)
    }

    /// By which the element is shifted to the left; the sum of all is the product without its sign.
    package var shifts: [Int] { magnitude.setBits }
  }

  /// A pass that adds to one neuron's sum.
  package struct SumPass: Sendable, Equatable {
    package let neuron: Int
    /// Elements that follow each other; also those whose weight is 0, since they count.
    package let terms: [Term]
    /// Whether the next pass is of the next elements.
    package let turns: Bool
  }

  /// What a whole sum becomes: v = (sum + bias) · multiplier >> shift, cut to a range.
  package struct Neuron: Sendable, Equatable {
    package let bias: Int64
    package let multiplier: UInt64
    package let shift: Int
    package let range: ClosedRange<Int64>
  }

  /// A cell of inputs.
  package struct InputCell: Sendable, Equatable {
    package let elements: Int
    package let bytes: Int
    package let passes: [SumPass]
  }

  /// What is made of the neurons' values. Either takes one value in a pass, from the last neuron to the
  /// first.
  package enum Tail: Sendable, Equatable {
    /// The values themselves.
    case collect
    /// The place of the first largest, times `unit`.
    case argmax(unit: Int64)
  }

  /// The cell that leaves.
  package struct OutputCell: Sendable, Equatable {
    package let label: Int
    package let chunk: Int
    package let chunks: Int
    package let elements: Int
    package let elementBytes: Int
    package let isAnswer: Bool

    package var bytes: Int { elements * elementBytes }
  }

  package let name: String
  /// Of the inputs.
  package let label: Int
  /// The switch.
  package let node: String
  package let elementBytes: Int
  /// Elements of all cells together: what a neuron's counter ends at.
  package let inputs: Int
  /// By chunk.
  package let cells: [InputCell]
  package let neurons: [Neuron]
  package let tail: Tail
  package let output: OutputCell

  /// Passes of an inference through the switch, with those of the tail.
  package var passCount: Int { cells.reduce(0) { $0 + $1.passes.count } + neurons.count }
}

extension UInt64 {
  /// The places of its ones, from the lowest.
  package var setBits: [Int] { (0..<bitWidth).filter { self >> UInt64($0) & 1 == 1 } }
}
