import MedullaNF

/// Passes all frames to one of its branches, or on.
package final class ForwardFunction: NetworkFunction {
  private let verdict: Verdict

  /// Options: `branch`, the number of the branch from 0; without it frames go on.
  package init(_ options: FunctionOptions) throws(NFError) {
    verdict =
      try options.integer("branch", in: 0...(ChainFunction.branchLimit - 1)).map(Verdict.branch) ?? .next
  }

  package func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) {
    for frame in frames { port.return(frame, verdict) }
  }
}
