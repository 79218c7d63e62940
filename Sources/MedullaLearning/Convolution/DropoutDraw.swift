import MedullaBase

/// Which values of a sample are dropped in a step: it follows from the seed, the step, the sample's place in
/// its batch and the layer, so that it does not matter who computes the sample.
struct DropoutDraw {
  private var generator: SeededGenerator

  init(seed: UInt64, step: Int, sample: Int, stage: Int) {
    var mixer = SeededGenerator(seed: seed ^ (UInt64(truncatingIfNeeded: step) &* 0x9E37_79B9_7F4A_7C15))
    let place = UInt64(truncatingIfNeeded: sample) << 16 | UInt64(truncatingIfNeeded: stage)
    generator = SeededGenerator(seed: mixer.next() ^ (place &* 0xD1B5_4A32_D192_ED03))
  }

  mutating func keeps(dropping share: Float) -> Bool { generator.unit() >= Double(share) }
}
