import CMedullaFabric
import MedullaModel
import MedullaSnapshot

extension StageLowering {
  /// A convolution: rows of inputs lie pixel by pixel within their padding; a row of outputs is computed
  /// block by block, a block being the windows of a pool, or some pixels side by side.
  func lowerConvolution(
    _ step: ConvolutionStep, _ body: StageBody, _ number: Int, _ channels: Range<Int>,
    _ lowered: inout LoweredTask
  ) throws(FabricError) {
    let tensor = tensors[number]
    let geometry = try ConvolutionGeometry(step, body, tensor)
    let windows = ConvolutionWindows(step, body.parameters, geometry)
    let packing = LanePacking(
      terms: windows.runs.count * windows.paddedTerms(flush: .max), inputs: body.inputs
    ) { flush, isProven in
      windows.eachWindow(flush: flush, channels: channels, isProven)
    }
    lowered.task.kind = UInt64(FABRIC_CONVOLUTION.rawValue)
    lowered.task.lanes = UInt64(packing.lanes)
    lowered.task.flush = UInt64(packing.flush)
    lowered.task.runs = UInt64(windows.runs.count)
    let padded = windows.paddedTerms(flush: packing.flush)
    lowered.task.run_terms = UInt64(padded)
    lowered.task.block_weights = UInt64(windows.runs.count * padded * Int(FABRIC_WORDS) * 8)
    lowered.runs = windows.runs.map { UInt64($0.offset) }
    let perGroup = step.outputChannels / step.groups
    for group in 0..<step.groups {
      let own = channels.clamped(to: group * perGroup..<(group + 1) * perGroup)
      for first in stride(from: own.lowerBound, to: own.upperBound, by: packing.channels) {
        let entry = first..<min(first + packing.channels, own.upperBound)
        lowered.appendColumns(
          packing,
          channels: entry.lowerBound - channels.lowerBound..<entry.upperBound - channels.lowerBound,
          input: group * (step.inputChannels / step.groups) * tensor.elementBytes,
          bias: { body.parameters.bias[channels.lowerBound + $0] },
          multiplier: { body.parameters.multipliers[channels.lowerBound + $0] })
        windows.append(entry, padded: padded, packing, to: &lowered.weights)
      }
    }
    lowered.task.columns = UInt64(lowered.columns.count)
    geometry.addInputs(tensor, to: &lowered)
    try geometry.addBlocks(pool: body.pool, name: body.name, to: &lowered)
    lowered.sumBytes = lowered.positions.count * Int(FABRIC_SUMS) * 8
    lowered.makeRoomForLists(
      runs: Int(lowered.task.runs), of: Int(lowered.task.run_terms), positions: lowered.positions.count)
  }
}

/// Where a convolution's inputs lie: `[height][width][channels]` within their padding.
struct ConvolutionGeometry {
  let step: ConvolutionStep
  let padding: Padding
  let elementBytes: Int
  let height: Int
  let width: Int

  /// Terms are rounded up, so that the last ones of a slot read beyond its inputs.
  private static let slackBytes = 64

  init(_ step: ConvolutionStep, _ body: StageBody, _ tensor: WireTensor) throws(FabricError) {
    self.step = step
    var (top, left, bottom, right) = (0, 0, 0, 0)
    for move in body.before {
      guard case .pad(let pad) = move else {
        throw FabricError(
          .badNetwork, "\(body.name): \(move.kind) is not computed before a convolution",
          remedy: "divide the network after it")
      }
      top += pad.padding.top
      left += pad.padding.left
      bottom += pad.padding.bottom
      right += pad.padding.right
    }
    padding = Padding(top: top, left: left, bottom: bottom, right: right)
    elementBytes = tensor.elementBytes
    (height, width) = (step.height - top - bottom, step.width - left - right)
    guard tensor.form == .image(channels: step.inputChannels, height: height, width: width) else {
      throw FabricError(
        .badNetwork,
        "\(body.name) takes an image of \(step.inputChannels)×\(height)×\(width), which is not "
          + "what the layer before it makes", remedy: "a convolution follows a convolution, or is the first")
    }
    guard height <= FABRIC_ROWS else {
      throw FabricError(.badNetwork, "\(body.name) has inputs of \(height) rows, more than \(FABRIC_ROWS)")
    }
  }

  var pixelBytes: Int { step.inputChannels * elementBytes }
  var rowBytes: Int { step.width * pixelBytes }

  /// Where cells of inputs go.
  func addInputs(_ tensor: WireTensor, to lowered: inout LoweredTask) {
    for cell in tensor.cells {
      let channels = tensor.parts[cell.part].channels
      let (column, channel) = (
        cell.elements.lowerBound / channels.count, cell.elements.lowerBound % channels.count
      )
      var place = fabric_place()
      place.row = UInt64(cell.row)
      place.offset = UInt64(
        (cell.row + padding.top) * rowBytes + (column + padding.left) * pixelBytes
          + (channels.lowerBound + channel) * elementBytes)
      place.bytes = UInt64(tensor.bytes(of: cell))
      let isWhole = channels.count == step.inputChannels || cell.elements.count < channels.count
      place.run = isWhole ? place.bytes : UInt64(channels.count * elementBytes)
      place.pitch = isWhole ? place.bytes : UInt64(pixelBytes)
      lowered.places.append(place)
    }
    lowered.task.pieces_per_row = UInt64(tensor.parts.reduce(0) { $0 + $1.piecesPerRow })
    lowered.inputBytes = step.height * rowBytes + Self.slackBytes
  }

  /// Blocks, and which rows of inputs each row of outputs needs.
  func addBlocks(pool: PoolStep?, name: String, to lowered: inout LoweredTask) throws(FabricError) {
    let (down, across) = (step.strides.height * rowBytes, step.strides.width * pixelBytes)
    let kernel = pool?.kernel ?? Extent(height: 1, width: Self.pixels(of: step.outputWidth))
    let strides = pool?.strides ?? Extent(height: 1, width: kernel.width)
    let (top, left) = (pool?.padding.top ?? 0, pool?.padding.left ?? 0)
    let rows = pool?.outputHeight ?? step.outputHeight
    let blocks = pool?.outputWidth ?? step.outputWidth / kernel.width
    guard kernel.height * kernel.width <= FABRIC_POSITIONS, rows <= FABRIC_ROWS else {
      throw FabricError(
        .badNetwork,
        "\(name) pools \(kernel.height)×\(kernel.width) windows to \(rows) rows, and a switch "
          + "does \(FABRIC_POSITIONS) at once, and \(FABRIC_ROWS) rows")
    }
    for row in 0..<kernel.height {
      for column in 0..<kernel.width {
        lowered.positions.append(
          fabric_position(
            offset: Int64(row * down + column * across), row: Int64(row), column: Int64(column)))
      }
    }
    lowered.task.positions = UInt64(lowered.positions.count)
    lowered.task.blocks = UInt64(blocks)
    lowered.task.block_row = Int64(strides.height * down)
    lowered.task.block_step = Int64(strides.width * across)
    lowered.task.block_first = Int64(-top * down - left * across)
    (lowered.task.pool_top, lowered.task.pool_left) = (Int64(-top), Int64(-left))
    (lowered.task.pool_down, lowered.task.pool_right) = (Int64(strides.height), Int64(strides.width))
    (lowered.task.sum_rows, lowered.task.sum_columns) = (Int64(step.outputHeight), Int64(step.outputWidth))
    let reachesOut =
      top > 0 || left > 0 || (rows - 1) * strides.height + kernel.height > step.outputHeight
      || (blocks - 1) * strides.width + kernel.width > step.outputWidth
    lowered.task.is_clipped = reachesOut ? 1 : 0
    addRows(rows, kernel: kernel.height, stride: strides.height, top: top, to: &lowered)
  }

  /// Pixels side by side whose sums share the weights that are loaded.
  private static func pixels(of width: Int) -> Int {
    (1...8).last { width % $0 == 0 } ?? 1
  }

  private func addRows(_ rows: Int, kernel: Int, stride: Int, top: Int, to lowered: inout LoweredTask) {
    var wakes = [fabric_wake](repeating: fabric_wake(first: 0, count: 0), count: height)
    let reach = (step.kernel.height - 1) * step.dilations.height
    for row in 0..<rows {
      let first = max(row * stride - top, 0)
      let last = max(min(row * stride - top + kernel, step.outputHeight) - 1, first)
      // Rows of padding are there from the beginning; who needs nothing else waits for the row beside it.
      let needs =
        min(
          max(first * step.strides.height - padding.top, 0), height - 1)...min(
          max(last * step.strides.height + reach - padding.top, 0), height - 1)
      lowered.rows.append(fabric_row(first: UInt64(needs.lowerBound), last: UInt64(needs.upperBound)))
      for input in needs {
        if wakes[input].count == 0 { wakes[input].first = UInt64(row) }
        wakes[input].count = UInt64(row) - wakes[input].first + 1
      }
    }
    lowered.wakes = wakes
    // In order, a row of inputs completes the last of the rows that wait for it.
    for cell in lowered.places.indices {
      let wake = wakes[Int(lowered.places[cell].row)]
      lowered.places[cell].turn = wake.first + max(wake.count, 1) - 1
    }
  }
}

/// The terms of a window as runs that lie together, and the weights that meet them.
struct ConvolutionWindows {
  struct Run {
    /// Bytes from the window's first input.
    let offset: Int
    /// Of the kernel, each term's place: row, column, input channel of the group.
    let row: Int
    let columns: Range<Int>
  }

  private static let long = 64

  let runs: [Run]
  /// Terms of each run.
  let runTerms: Int
  private let step: ConvolutionStep
  private let weights: [Int32]
  private let channelsIn: Int

  init(_ step: ConvolutionStep, _ parameters: LinearParameters, _ geometry: ConvolutionGeometry) {
    self.step = step
    weights = parameters.weights
    channelsIn = step.inputChannels / step.groups
    let areTogether = step.groups == 1 && step.dilations.width == 1
    let width = step.kernel.width
    runTerms = (areTogether ? width : 1) * channelsIn
    runs = (0..<step.kernel.height).flatMap { row in
      let down = row * step.dilations.height * geometry.rowBytes
      return areTogether
        ? [Run(offset: down, row: row, columns: 0..<width)]
        : (0..<width).map { column in
          Run(
            offset: down + column * step.dilations.width * geometry.pixelBytes, row: row,
            columns: column..<column + 1)
        }
    }
  }

  /// Terms of a run as the engine takes them: in fours where runs are short, else in eights.
  func paddedTerms(flush: Int) -> Int {
    let inFours = (runTerms + 3) / 4 * 4
    return inFours <= flush && inFours < Self.long ? inFours : (runTerms + 7) / 8 * 8
  }

  private func weight(_ channel: Int, _ run: Run, _ term: Int) -> Int64 {
    let (column, input) = (run.columns.lowerBound + term / channelsIn, term % channelsIn)
    let place = (input * step.kernel.height + run.row) * step.kernel.width + column
    return Int64(weights[channel * step.fanIn + place])
  }

  func eachWindow(flush: Int, channels: Range<Int>, _ isProven: (LanePacking.Sums) -> Bool) {
    let padded = paddedTerms(flush: flush)
    // One run and a part of its terms, or whole runs together.
    let isDivided = padded > flush
    let together = isDivided ? 1 : flush / padded
    for channel in channels {
      for first in stride(from: 0, to: runs.count, by: together) {
        for start in stride(from: 0, to: runTerms, by: isDivided ? flush : runTerms) {
          var sums = LanePacking.Sums()
          for run in runs[first..<min(first + together, runs.count)] {
            for term in start..<min(isDivided ? start + flush : runTerms, runTerms) {
              sums.add(weight(channel, run, term))
            }
          }
          guard isProven(sums) else { return }
        }
      }
    }
  }

  func append(_ channels: Range<Int>, padded: Int, _ packing: LanePacking, to words: inout [Int64]) {
    for run in runs {
      for term in 0..<padded {
        words += packing.words { lane in
          let channel = channels.lowerBound + lane
          return term < runTerms && channel < channels.upperBound ? weight(channel, run, term) : 0
        }
      }
    }
  }
}
