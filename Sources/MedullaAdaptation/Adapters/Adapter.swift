import MedullaDatapath
import MedullaModel

/// What a network that keeps learning owes the slow path: the three duties of LiteFlow (§4.1).
///
/// Calls come from one thread, one at a time. An adapter may fail in any of them; the fast path goes on with
/// the snapshot that it has.
package protocol Adapter: AnyObject {
  /// Inputs and outputs of the network, in natural units.
  var inputs: Int { get }
  var outputs: Int { get }
  /// Whether it says itself when its network is to be taken (`Progress.isReady`), because it trains in one go
  /// and examines what came of it: then the gates of stability and necessity are not asked.
  var decidesUpdates: Bool { get }
  /// Whether it tells how good decisions were (`Progress.rewards`), for the watch over promoted snapshots.
  var tellsRewards: Bool { get }

  /// Gives the network as it stands.
  func freeze() throws -> Network

  /// Learns from a batch, which may be empty, and reports how settled the network is.
  func adapt(_ batch: Batch) throws -> Progress

  /// The network's outputs, `[n][outputs]`, for `[n][inputs]`.
  func evaluate(_ inputs: [[Float]]) throws -> [[Float]]

  /// Takes what a person says of a decided flow, which is right whatever others say.
  ///
  /// - Returns: what comes of it, in words.
  func take(_ label: GivenLabel) throws -> String

  /// What runs is the network of before the adapter's last one: it was taken back.
  func noteRollback()

  /// Ends what the adapter has started, such as a process. Nothing is called after it.
  func close()
}

extension Adapter {
  package var decidesUpdates: Bool { false }
  package var tellsRewards: Bool { false }
  package func noteRollback() {}
  package func close() {}

  package func take(_ label: GivenLabel) throws -> String {
    throw AdaptationError(
      .badSettings, "its adapter learns from no labels",
      remedy: "give it one of `kind: labels`, or let the labels be outcomes of its samples")
  }
}

/// What an adapter tells of one round of learning.
package struct Progress: Sendable, Equatable {
  /// The value that settles when learning has (training loss, mean reward): the stability gate watches it.
  package var stability: Double
  /// Further figures for the record, by name.
  package var figures: [String: Double]
  /// Of an adapter that decides itself when to train: what it decided in this round.
  package var retrains: [RetrainRecord]
  /// Of an adapter that decides updates: whether its network is another, and to be taken.
  package var isReady = false
  /// Of earlier decisions, as far as they are known now and were not before.
  package var rewards: [RewardSample] = []
  /// Whether it has work where no samples come: then it is given empty batches.
  package var hasMore = false
  /// Of an adapter that asks labeling agents: what each of them is at.
  package var agents: [AgentReport]

  package init(
    stability: Double, figures: [String: Double] = [:], retrains: [RetrainRecord] = [],
    agents: [AgentReport] = []
  ) {
    self.stability = stability
    self.figures = figures
    self.retrains = retrains
    self.agents = agents
  }
}
