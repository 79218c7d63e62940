import TestbedLink

extension PathReport {
  /// The recorder's whole bins that lie within a window.
  package func bins(_ window: PathWindow, of link: LinkReport) -> Range<Int> {
    let width = max(bins.binNanoseconds, 1)
    let origin = windows.first?.startNanoseconds ?? link.startNanoseconds
    guard window.startNanoseconds >= origin, window.endNanoseconds >= window.startNanoseconds else {
      return 0..<0
    }
    let count = bins.deliveredBytes.count
    let first = min(Int((window.startNanoseconds - origin + width - 1) / width), count)
    let end = min(Int((window.endNanoseconds - origin) / width), count)
    return first..<max(first, end)
  }
}
