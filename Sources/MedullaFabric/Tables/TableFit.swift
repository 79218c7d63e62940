import MedullaSnapshot

/// Makes the tables of a network, layer by layer: each is fitted on the inputs that the samples have behind
/// the tables before it, so that it knows their errors.
struct TableFit {
  let interpreter: ReferenceInterpreter
  let chain: DenseChain
  let options: FuzzyTableOptions
  private var meaning: InputMeaning
  /// By sample, what the layer that is made takes in: cut features, or sums.
  private var inputs: [[Int64]]
  private var keys: [TableKey]
  private let samples: [[Int64]]

  /// A table while its values are products of sums and multipliers, not yet rounded to the sums' width.
  struct Draft {
    let sources: [Int]
    let outputs: Range<Int>
    let tree: ClusteringTree
    /// By leaf, the samples in it.
    let members: [[Int]]
    let error: Double
    /// By leaf, one for each output.
    var products: [[Int64]]
  }

  init(
    _ interpreter: ReferenceInterpreter, _ chain: DenseChain, samples: [[Int64]], options: FuzzyTableOptions
  ) throws(FabricError) {
    self.interpreter = interpreter
    self.chain = chain
    self.options = options
    self.samples = samples
    meaning = try InputMeaning(interpreter)
    let features = interpreter.snapshot.parameters.features
    keys = features.map { TableKey(ofBits: bitWidth($0.width), limit: options.keyBits) }
    inputs = samples.map { FuzzyTables.cut($0, features) }
  }

  mutating func layers() throws(FabricError) -> [TableLayer] {
    var made: [TableLayer] = []
    for (number, layer) in chain.layers.enumerated() {
      var drafts = try drafts(of: layer)
      if chain.layers.count - number <= options.refinedLayers {
        Backfitting(prior: options.prior).fit(&drafts, to: products(of: layer))
      }
      made.append(try finish(layer, drafts))
      follow(made[number], of: layer.step)
    }
    if let functions = try functions() { made.append(functions) }
    return made
  }

  private mutating func follow(_ layer: TableLayer, of step: Int) {
    inputs = inputs.map { layer.sums(of: $0) }
    keys = layer.sumBits.map { TableKey(ofBits: $0, limit: options.keyBits) }
    meaning.follow(layer, of: step)
  }

  /// By sample, the integer network's own sums of a layer times their multipliers.
  private func products(of layer: DenseChain.Layer) -> [[Int64]] {
    samples.map { sample in
      let sums = interpreter.sums(features: sample)[layer.step] ?? []
      return zip(sums, layer.parameters.multipliers).map { $0 * $1 }
    }
  }

  private func activations(of sources: [Int], maps: [Int]) -> [[Int64]] {
    inputs.map { row in sources.map { meaning.activation(of: row[$0], source: $0, maps: maps) } }
  }

  private func keys(of sources: [Int]) -> [[Int64]] {
    inputs.map { row in sources.map { row[$0] >> Int64(keys[$0].shift) } }
  }

  private func drafts(of layer: DenseChain.Layer) throws(FabricError) -> [Draft] {
    var drafts: [Draft] = []
    for first in stride(from: 0, to: layer.dense.inputs, by: options.groupSize) {
      let terms = first..<min(first + options.groupSize, layer.dense.inputs)
      let sources = Array(layer.inputs.sources[terms])
      let activations = activations(of: sources, maps: layer.inputs.maps)
      var growth = TreeGrowth(
        keys: keys(of: sources), activations: activations, gram: layer.gram(of: terms))
      let (tree, members) = growth.grow(leaves: options.leaves)
      var products: [[Int64]] = []
      for leaf in members {
        products.append(try layer.products(of: terms, hasBias: first == 0, leaf.map { activations[$0] }))
      }
      drafts.append(
        Draft(
          sources: sources, outputs: 0..<layer.dense.outputs, tree: tree, members: members,
          error: members.reduce(0) { $0 + growth.error(of: $1) }, products: products))
    }
    return drafts
  }

  private func finish(_ layer: DenseChain.Layer, _ drafts: [Draft]) throws(FabricError) -> TableLayer {
    let rounding = try SumRounding(
      drafts, outputs: layer.dense.outputs, sumBits: options.sumBits, name: layer.name)
    return rounding.layer(named: layer.name, keys: keys, drafts, shift: layer.dense.epilogue.shift)
  }

  /// Tables of the functions behind the last layer, one for each output; nil where they are cuts.
  private func functions() throws(FabricError) -> TableLayer? {
    guard let last = chain.layers.last, last.cut(chain.end) == nil else { return nil }
    let drafts = chain.end.sources.enumerated().map { output, source in
      let activations = activations(of: [source], maps: chain.end.maps)
      var growth = TreeGrowth(keys: keys(of: [source]), activations: activations, gram: [1])
      let (tree, members) = growth.grow(leaves: options.leaves)
      return Draft(
        sources: [source], outputs: output..<output + 1, tree: tree, members: members,
        error: members.reduce(0) { $0 + growth.error(of: $1) },
        products: members.map { leaf in
          let sum = leaf.reduce(Int128(0)) { $0 + Int128(activations[$1][0]) }
          return [Int64(roundedQuotient(sum, leaf.count))]
        })
    }
    let rounding = try SumRounding(
      drafts, outputs: drafts.count, sumBits: FuzzyTableOptions.sumWidths.upperBound, name: "functions")
    return rounding.layer(named: "functions", keys: keys, drafts, shift: 0)
  }
}

extension DenseChain.Layer {
  /// The Gram matrix of the weights of some terms, of v = (sum · multiplier) >> shift.
  func gram(of terms: Range<Int>) -> [Double] {
    let unit = Double(sign: .plus, exponent: -dense.epilogue.shift, significand: 1)
    var gram = [Double](repeating: 0, count: terms.count * terms.count)
    for output in 0..<dense.outputs {
      let scale = Double(parameters.multipliers[output]) * unit
      let row = terms.map { Double(parameters.weights[output * dense.inputs + $0]) * scale }
      for (place, weight) in row.enumerated() {
        for (other, second) in row.enumerated() { gram[place * row.count + other] += weight * second }
      }
    }
    return gram
  }

  /// What a leaf adds to each sum, times its multiplier: the weights with the mean of the leaf's activations,
  /// and for the first group the bias. Exact where all activations are the same.
  func products(
    of terms: Range<Int>, hasBias: Bool, _ activations: [[Int64]]
  ) throws(FabricError) -> [Int64] {
    var products: [Int64] = []
    for output in 0..<dense.outputs {
      var sum: Int128 = hasBias ? Int128(parameters.bias[output]) * Int128(activations.count) : 0
      for row in activations {
        for (term, x) in zip(terms, row) {
          sum += Int128(parameters.weights[output * dense.inputs + term]) * Int128(x)
        }
      }
      let product = roundedQuotient(sum * Int128(parameters.multipliers[output]), activations.count)
      guard let product = Int64(exactly: product), product.magnitude < 1 << 62 else {
        throw FabricError(.badNetwork, "\(name): what a table adds to sum \(output) leaves 63 bits")
      }
      products.append(product)
    }
    return products
  }

  /// The outputs' range where nothing but a cut follows the last sums; nil where there is another function.
  func cut(_ end: DenseChain.Link) -> ClosedRange<Int64>? {
    guard end.maps.isEmpty else { return nil }
    switch dense.epilogue.function {
    case .identity: return Int64.min...Int64.max
    case .clamp(let low, let high): return low...high
    case .clip: return parameters.clip
    case .leaky, .table: return nil
    }
  }
}

/// sum / count to the nearest, halves up.
private func roundedQuotient(_ sum: Int128, _ count: Int) -> Int128 {
  let (dividend, divisor) = (2 * sum + Int128(count), 2 * Int128(count))
  let quotient = dividend / divisor
  return quotient * divisor > dividend ? quotient - 1 : quotient
}
