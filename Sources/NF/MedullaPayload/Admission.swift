/// Decides with an object's first packet whether the engine will get to it in time.
///
/// An engine that is offered more than it can do should not be sent halves of all objects, but all of
/// some. So an object is refused as a whole, before anything is spent on it, when those that were admitted
/// and have not ended might keep the engine busy for longer than the bound. Whatever their order, at most
/// `bound` of work is then ahead of an object whose last packet has come, so that it ends within the
/// bound even where service times vary; how long its packets take to come is the sender's matter, and the
/// deadline's.
///
/// The bound must leave room for the objects that are still being received: below the time that one takes to
/// come and be served the engine has to wait for packets, and its capacity is not used (Little's law).
package struct Admission: Sendable, Equatable {
  /// Weights of a new measurement of the service time, in its mean and in its mean deviation, and the
  /// deviations that are added to the mean, as TCP smooths round trips and waits for them (RFC 6298).
  static let weight = 0.125
  static let deviationWeight = 0.25
  static let deviations = 4.0

  private struct Class: Sendable, Equatable {
    /// Nanoseconds.
    var service: Double
    var deviation = 0.0
    var isMeasured = false
    var underWay = 0

    /// What it hardly ever takes longer than.
    var most: Double { service + Admission.deviations * deviation }

    mutating func measure(_ time: Double) {
      if isMeasured {
        deviation += (abs(service - time) - deviation) * Admission.deviationWeight
        service += (time - service) * Admission.weight
      } else {
        (service, deviation, isMeasured) = (time, time / 2, true)
      }
    }
  }

  /// Nanoseconds of work that may be ahead.
  package let bound: UInt64
  /// Objects that the engine serves at once.
  package let workers: Int
  private var classes: ContiguousArray<Class>

  /// - Parameters:
  ///   - assumed: the service time until the first is measured, in nanoseconds.
  ///   - classes: kinds of objects whose service differs.
  package init(bound: UInt64, workers: Int, assumed: UInt64, classes: Int) throws(PayloadError) {
    let wrong: String? =
      if bound < 1 {
        "the bound is at least a nanosecond"
      } else if !(1...4_096).contains(workers) {
        "an engine serves 1 to 4,096 objects at once"
      } else if assumed < 1 {
        "the assumed service time is at least a nanosecond"
      } else if !(1...65_536).contains(classes) {
        "there are 1 to 65,536 classes"
      } else {
        nil
      }
    if let wrong { throw PayloadError(.badSetting, "objects cannot be admitted so", cause: wrong) }
    self.bound = bound
    self.workers = workers
    self.classes = ContiguousArray(repeating: Class(service: Double(assumed)), count: classes)
  }

  package var classCount: Int { classes.count }

  /// Objects that were admitted and have not ended.
  package var underWay: Int { classes.reduce(0) { $0 + $1.underWay } }

  /// Nanoseconds for which these keep the engine busy at most, in all likelihood.
  package var backlog: Double {
    classes.reduce(0) { $0 + Double($1.underWay) * $1.most } / Double(workers)
  }

  /// What an object of the class takes, in nanoseconds: the smoothed mean.
  package func service(of kind: Int) -> Double { classes[kind].service }

  /// An engine without work always gets an object, so that its service time is measured again even after one
  /// that was longer than the bound.
  package func admits(_ kind: Int) -> Bool {
    let busy = underWay
    return busy < workers || backlog + classes[kind].most / Double(workers) <= Double(bound)
  }

  package mutating func begin(_ kind: Int) { classes[kind].underWay += 1 }

  /// The object has left, in whatever way.
  ///
  /// - Parameter service: nanoseconds that the engine took; nil: it did not serve the object.
  package mutating func end(_ kind: Int, service: UInt64?) {
    classes[kind].underWay -= 1
    if let service { classes[kind].measure(Double(service)) }
  }
}
