import CMedullaLearning

/// One convolution's working memory for the samples of a tile.
final class ConvolutionPass {
  let shape: learning_convolution
  /// Numbers of a channel's result.
  let places: Int
  /// From one sample's result to the next's.
  let stride: Int
  private let index: Int
  private let dropout: Float?
  private let scale: Float
  private let planes: NumberBuffer
  let results: NumberBuffer
  private let offsets: NumberBuffer
  private let chosen: UnsafeMutablePointer<Int32>
  private let chosenCounts: UnsafeMutablePointer<Int32>
  private let entries: UnsafeMutablePointer<learning_entry>
  private let interleaved: NumberBuffer
  /// Of one sample's inputs, interleaved.
  let inputSlopes: NumberBuffer
  private let layout: ParameterLayout.Stage

  init(_ stage: ConvolutionStage, index: Int, layout: ParameterLayout.Stage, tile: Int) {
    let result = stage.result
    let lineStride = ParameterLayout.wholeVectors(stage.outWidth)
    shape = learning_convolution(
      channels: Int32(stage.input.channels), height: Int32(stage.input.height),
      width: Int32(stage.input.width), outputs: Int32(stage.outputs), kernel: Int32(stage.kernel),
      out_height: Int32(stage.outHeight), out_width: Int32(stage.outWidth), out_stride: Int32(lineStride),
      run: Int32(ParameterLayout.wholeVectors(stage.kernel * stage.input.channels)),
      window: stage.pools ? 2 : 1, rectifies: stage.rectifies ? 1 : 0)
    self.index = index
    self.layout = layout
    dropout = stage.dropout
    scale = 1 / (1 - (stage.dropout ?? 0))
    places = result.height * result.width
    stride = ParameterLayout.wholeVectors(result.count)
    planes = NumberBuffer(stage.outputs * stage.outHeight * lineStride)
    results = NumberBuffer(tile * stride)
    offsets = NumberBuffer(tile * stride)
    chosen = .allocate(capacity: tile * stage.outputs)
    chosen.initialize(repeating: 0, count: tile * stage.outputs)
    chosenCounts = .allocate(capacity: tile)
    chosenCounts.initialize(repeating: 0, count: tile)
    entries = .allocate(capacity: places + 1)
    entries.initialize(repeating: learning_entry(), count: places + 1)
    interleaved = NumberBuffer(stage.input.count)
    inputSlopes = NumberBuffer(stage.input.count)
  }

  deinit {
    chosen.deallocate()
    chosenCounts.deallocate()
    entries.deallocate()
  }

  /// The offsets of a sample, which are as large as its numbers.
  private func offsets(_ sample: Int) -> UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(offsets.start + sample * stride).assumingMemoryBound(to: Int32.self)
  }

  /// `draw` of nil: nothing is dropped, as when a network is used.
  func forward(
    _ input: UnsafePointer<Float>, sample: Int, parameters: UnsafePointer<Float>,
    draw: ((Int) -> DropoutDraw)?
  ) {
    let outputs = Int(shape.outputs)
    let kept = chosen + sample * outputs
    var count = 0
    var factor: Float = 1
    if let dropout, var draw = draw?(index) {
      for output in 0..<outputs {
        kept[count] = Int32(output)
        count += draw.keeps(dropping: dropout) ? 1 : 0
      }
      factor = scale
    } else {
      for output in 0..<outputs { kept[output] = Int32(output) }
      count = outputs
    }
    chosenCounts[sample] = Int32(count)
    withUnsafePointer(to: shape) { shape in
      learning_convolve(
        shape, input, parameters + layout.weights, parameters + layout.bias, kept, Int32(count),
        planes.start)
      learning_pool(
        shape, planes.start, kept, Int32(count), factor, results.start + sample * stride, offsets(sample))
    }
  }

  /// After `forward`, with the slopes of its results: adds to those of the parameters and, where asked,
  /// leaves those of the inputs in `inputSlopes`.
  ///
  /// - Parameters:
  ///   - input: as `forward` got it.
  ///   - slopes: of the results; `channelStep` from a channel's to the next's, `placeStep` from a place's.
  func backward(
    _ input: UnsafePointer<Float>, sample: Int, parameters: UnsafePointer<Float>,
    slopes: UnsafePointer<Float>, channelStep: Int, placeStep: Int,
    into gradient: UnsafeMutablePointer<Float>,
    needsInputSlopes: Bool
  ) {
    let from = offsets(sample)
    let factor = dropout == nil ? 1 : scale
    var windows = input
    if shape.channels > 1 {
      learning_interleave(input, shape.channels, shape.height * shape.width, interleaved.start)
      windows = UnsafePointer(interleaved.start)
    }
    if needsInputSlopes { inputSlopes.clear() }
    withUnsafePointer(to: shape) { shape in
      for place in 0..<Int(chosenCounts[sample]) {
        let output = Int(chosen[sample * Int(shape.pointee.outputs) + place])
        let count = learning_entries(
          shape, from + output * places, slopes + output * channelStep, Int32(placeStep), factor, entries)
        let weights = layout.weights + output * layout.stride
        learning_add_weight_slopes(
          shape, windows, entries, count, gradient + weights, gradient + layout.bias + output)
        if needsInputSlopes {
          learning_add_input_slopes(shape, entries, count, parameters + weights, inputSlopes.start)
        }
      }
    }
  }
}
