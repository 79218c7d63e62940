/// What accuracy means for a classifier.
package enum AccuracyMeasure: Sendable, Equatable, Codable {
  /// The mean of the classes' F1, over the classes that occur.
  case macroF1
  case accuracy
  /// Of one class's flows, those that were found.
  case recall(of: Int)
}

/// How good the network in the datapath still is, by the labels of a window: an estimate with its interval.
package struct ProxyReading: Sendable, Equatable, Codable {
  package let value: Double
  /// The ends of the 95% interval.
  package let low: Double
  package let high: Double
  package let labels: Int
  /// Labels of equal weight that would be as much evidence.
  package let effective: Double

  package init(value: Double, low: Double, high: Double, labels: Int, effective: Double) {
    (self.value, self.low, self.high) = (value, low, high)
    (self.labels, self.effective) = (labels, effective)
  }
}

/// Follows a measure of accuracy from few, chosen and partly wrong labels.
///
/// - *Chosen*: each label counts as many times as its inclusion probability says (Hájek's ratio of two
///   Horvitz–Thompson sums; Särndal, Swensson and Wretman, 1992, §5.7).
/// - *Partly wrong*: labels that err with probability e, alike over the other of K classes, mix the rows of
///   the confusion matrix; the mixture is undone, N = (N' − e/(K−1) · column sums) / (1 − e·K/(K−1)) (for two
///   classes Rogan and Gladen, 1978), and the deviation grows by 1 / (1 − e·K/(K−1)).
/// - *Few*: the variance is that of the linearized measure (§5.5 there), from which follows an effective
///   number of labels n* = p(1−p)/V, at most Kish's (Σw)²/Σw² and, for a mean over classes, what the
///   smallest classes allow, K²/Σ(1/n_c). The interval is Wilson's (1927) for n*, as Korn and Graubard (1998)
///   use an effective size; it does not shrink to nothing where all of few labels agree.
package struct AccuracyProxy: Sendable, Equatable, Codable {
  package var measure: AccuracyMeasure
  /// Labels without which there is no reading.
  package var leastLabels = 8
  /// Labels that err more tell nothing: what is left of them, 1 − e·K/(K−1), is to be at least this.
  package var leastInformation = 0.2

  static let quantile = 1.959_964

  package init(_ measure: AccuracyMeasure = .macroF1) { self.measure = measure }

  /// nil for a window without information: too few labels, one class alone, or labels that are noise.
  package func reading(_ window: AccuracyWindow) -> ProxyReading? {
    let all = window.judgements
    guard window.classes > 1, all.count >= leastLabels, window.labelledClasses > 1 else { return nil }
    let total = all.reduce(0) { $0 + $1.weight }
    let error = all.reduce(0) { $0 + $1.weight * $1.labelError } / total
    let spread = error * Double(window.classes) / Double(window.classes - 1)
    guard 1 - spread >= leastInformation else { return nil }
    let observed = Confusion(window)
    guard let seen = self.value(observed) else { return nil }
    let truth = observed.corrected(error: error, kept: 1 - spread)
    // Cells that would fall below 0 can leave more than all.
    let value = min(self.value(truth) ?? seen, 1)
    let variance = self.variance(window, observed, at: seen) / ((1 - spread) * (1 - spread))
    let most = limit(window, total)
    var effective = most * (1 - spread) * (1 - spread)
    // At the very end n* would be 0, and the interval say nothing: half a label is left to err.
    let inside = min(max(value, 0.5 / most), 1 - 0.5 / most)
    if variance > 0, most > 1 { effective = min(effective, inside * (1 - inside) / variance) }
    effective = max(effective, 1)
    let (low, high) = Self.wilson(value, effective)
    return ProxyReading(value: value, low: low, high: high, labels: all.count, effective: effective)
  }

  /// Wilson's interval of a share, for a number of observations that need not be whole.
  static func wilson(_ share: Double, _ count: Double) -> (low: Double, high: Double) {
    let squared = quantile * quantile
    let center = (share + squared / (2 * count)) / (1 + squared / count)
    let inside = share * (1 - share) / count + squared / (4 * count * count)
    let half = quantile * max(inside, 0).squareRoot() / (1 + squared / count)
    return (max(0, center - half), min(1, center + half))
  }

  private func value(_ confusion: Confusion) -> Double? {
    switch measure {
    case .accuracy: return confusion.total > 0 ? confusion.right / confusion.total : nil
    case .recall(let own):
      guard confusion.counts.indices.contains(own), confusion.labelled[own] > 0 else { return nil }
      return confusion.counts[own][own] / confusion.labelled[own]
    case .macroF1:
      let each = confusion.occurring.map { confusion.f1($0) }
      return each.isEmpty ? nil : each.reduce(0, +) / Double(each.count)
    }
  }

  /// Σ u² · n/(n−1) of the linearized measure.
  private func variance(_ window: AccuracyWindow, _ confusion: Confusion, at value: Double) -> Double {
    let count = Double(window.count)
    guard count > 1 else { return 0 }
    let classes = confusion.occurring
    let squares = window.judgements.reduce(0.0) { sum, own in
      let hit = own.prediction == own.label
      var part = 0.0
      switch measure {
      case .accuracy: part = own.weight * ((hit ? 1 : 0) - value) / confusion.total
      case .recall(let target):
        if own.label == target {
          part = own.weight * ((hit ? 1 : 0) - value) / confusion.labelled[target]
        }
      case .macroF1:
        for target in classes {
          let (owns, said) = (own.label == target, own.prediction == target)
          guard owns || said else { continue }
          let both = confusion.labelled[target] + confusion.predicted[target]
          let sides = (owns ? 1.0 : 0) + (said ? 1.0 : 0)
          part += own.weight * ((owns && said ? 2 : 0) - confusion.f1(target) * sides) / both
        }
        part /= Double(classes.count)
      }
      return sum + part * part
    }
    return squares * count / (count - 1)
  }

  /// The largest effective number of labels that the weights and the classes' sizes allow.
  private func limit(_ window: AccuracyWindow, _ total: Double) -> Double {
    func kish(_ some: [AccuracyWindow.Judgement]) -> Double {
      let sum = some.reduce(0) { $0 + $1.weight }
      let squares = some.reduce(0) { $0 + $1.weight * $1.weight }
      return squares > 0 ? sum * sum / squares : 0
    }
    let all = kish(window.judgements)
    switch measure {
    case .accuracy: return all
    case .recall(let own): return kish(window.judgements.filter { $0.label == own })
    case .macroF1:
      let sizes = (0..<window.classes).map { own in kish(window.judgements.filter { $0.label == own }) }
        .filter { $0 > 0 }
      let count = Double(sizes.count)
      return min(all, count * count / sizes.reduce(0) { $0 + 1 / $1 })
    }
  }
}

/// Weighted decisions by label and prediction.
private struct Confusion {
  /// `[label][prediction]`; what was not decided stands in no column.
  let counts: [[Double]]
  /// Of each class, what is labelled so, and what was predicted so.
  let labelled: [Double]
  let predicted: [Double]

  init(_ window: AccuracyWindow) {
    var counts = [[Double]](
      repeating: [Double](repeating: 0, count: window.classes), count: window.classes)
    var labelled = [Double](repeating: 0, count: window.classes)
    for own in window.judgements {
      labelled[own.label] += own.weight
      if let prediction = own.prediction { counts[own.label][prediction] += own.weight }
    }
    self.init(counts, labelled)
  }

  private init(_ counts: [[Double]], _ labelled: [Double]) {
    (self.counts, self.labelled) = (counts, labelled)
    predicted = counts.indices.map { column in counts.reduce(0) { $0 + $1[column] } }
  }

  var total: Double { labelled.reduce(0, +) }
  var right: Double { counts.indices.reduce(0) { $0 + counts[$1][$1] } }
  var occurring: [Int] { counts.indices.filter { labelled[$0] + predicted[$0] > 0 } }

  func f1(_ own: Int) -> Double {
    let both = labelled[own] + predicted[own]
    return both > 0 ? 2 * counts[own][own] / both : 0
  }

  /// What the matrix would be with labels that do not err; nothing falls below 0.
  func corrected(error: Double, kept: Double) -> Confusion {
    guard error > 0 else { return self }
    let share = error / Double(counts.count - 1)
    let sums = predicted
    let all = total
    return Confusion(
      counts.map { row in zip(row, sums).map { max(0, ($0 - share * $1) / kept) } },
      labelled.map { max(0, ($0 - share * all) / kept) })
  }
}
