import Foundation
import MedullaBase
import MedullaLabels

// Writes a book of labels until it is killed, and says after each step how far it has come: tests of what is
// left after kill -9 and on a full disk start it.
//
//   label-book-writer PATH            a step a line, without end
//   label-book-writer PATH full N     until the file may not grow beyond N bytes; then makes room, and goes
//   on

struct Writer {
  let keeper: Bookkeeper
  let purse: any Purse

  init(_ path: String) throws {
    keeper = try Bookkeeper(path: path, classes: 2, budgets: ["paid": AgentBudget(calls: 1e9)])
    purse = keeper.purse(of: "paid")
  }

  /// One flow is asked about, paid for and labelled; false: the disk does not take it.
  func step(_ number: Int) -> Bool {
    let request = LabelRequest(sample: UInt64(number), features: [Double(number), 0.5])
    let chosen = ChosenFlow(request, probability: 0.5, reason: .random)
    guard keeper.ask([chosen]).count == 1 else { return false }
    guard purse.spend(upTo: 1, costEach: 0.25, mayOwe: false) == .granted(1) else { return false }
    return keeper.note([Label(sample: UInt64(number), agent: "paid", label: number % 2)]) == [.kept]
  }
}

func say(_ text: String) {
  // At once, not when a buffer is full.
  FileHandle.standardOutput.write(Data((text + "\n").utf8))
}

func limit(_ bytes: rlim_t) {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  limit.rlim_cur = min(bytes, limit.rlim_max)
  setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}

let arguments = CommandLine.arguments
guard arguments.count >= 2 else {
  Narration.tell("label-book-writer PATH [full BYTES]")
  exit(2)
}
do {
  let writer = try Writer(arguments[1])
  // Of the last flow before a kill it is open how far it came.
  var number = writer.keeper.book.counts.asked
  if arguments.count == 4, let bytes = rlim_t(arguments[3]) {
    // A write beyond the limit is cut short and then fails, as on a full disk.
    signal(SIGXFSZ, SIG_IGN)
    limit(bytes)
    while writer.step(number) { number += 1 }
    say("full \(number) \(writer.keeper.state)")
    let late = writer.keeper.note([Label(sample: 0, agent: "late", label: 1)])
    let asked = writer.keeper.ask([
      ChosenFlow(LabelRequest(sample: 1 << 40, features: []), probability: 1, reason: .random)
    ])
    say("late \(late == [.kept]) asked \(asked.count)")
    limit(.max)
    usleep(1_100_000)
    say("again \(writer.step(1 << 20)) \(writer.keeper.state)")
    exit(0)
  }
  while true {
    guard writer.step(number) else {
      say("stopped \(writer.keeper.state)")
      exit(1)
    }
    number += 1
    say("\(writer.keeper.ledger.purses["paid"]?.totalCalls ?? 0) \(writer.keeper.book.counts.labelled)")
  }
} catch {
  Narration.tell("\(error)")
  exit(1)
}
