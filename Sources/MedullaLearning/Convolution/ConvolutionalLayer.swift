/// A layer of a network that is trained on images, and what regularizes it while it is.
package enum ConvolutionalLayer: Hashable, Sendable {
  /// A square kernel without padding that moves by one, with a bias for each output channel.
  case convolution(outputs: Int, kernel: Int)
  /// The largest of each 2 × 2 window; an odd last row or column is left out.
  case maxPool
  case relu
  /// While training, each channel is 0 with this probability, and what is left is scaled up by as much.
  case channelDropout(Float)
  case dense(outputs: Int)
  /// While training, each value is 0 with this probability, and what is left is scaled up by as much.
  case dropout(Float)
}

/// Size of images, channel by channel.
package struct ImageShape: Hashable, Sendable {
  package var channels: Int
  package var height: Int
  package var width: Int

  package init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  package var count: Int { channels * height * width }
}
