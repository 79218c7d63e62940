import Glibc
import MedullaAccelerators
import MedullaBase

/// `medulla-gpu-check`: one program that can be carried to a machine with a GPU.
enum GPUCheckCommand {
  static let help = """
    usage: medulla-gpu-check [--json] [--device N] [--rounds N] [--simulated] [--library PATH]

    Finds the CUDA driver, registers packet memory, moves images of 50 KB to 2 MB by every transfer policy and
    compares every byte, runs the kernels against what they must give, and prints the times.

      --json          the report as JSON
      --device N      the CUDA device, counted from 0
      --rounds N      transfers of each size by each policy, 1 to 1000 (20)
      --simulated     a simulated device, with the times of its cost model
      --library PATH  the CUDA driver's library (libcuda.so.1)

    Exits with 0 when all is right, 1 when something is wrong, 2 when there is no device, 64 for an option
    that is not understood.
    """

  enum Status: Int32 {
    case right = 0
    case wrong = 1
    case noDevice = 2
    case usage = 64
  }

  static func main(_ arguments: [String]) {
    exit(status(arguments).rawValue)
  }

  private static func status(_ arguments: [String]) -> Status {
    let options: GPUCheckOptions
    switch GPUCheckOptions.read(arguments) {
    case .help:
      print(help)
      return .right
    case .wrong(let message):
      Narration.tell("Error: \(message)\n  help: medulla-gpu-check --help")
      return .usage
    case .options(let read): options = read
    }
    let accelerator: DeviceAccelerator =
      options.isSimulated
      ? .simulatedCUDA(kernels: .instructions, cost: .paper)
      : .cuda(ordinal: options.device, library: options.library)
    var check = DeviceCheck(accelerator, isSimulated: options.isSimulated)
    check.rounds = options.rounds
    do {
      let report = try check.run()
      print(options.isJSON ? try JSONText.encode(report) : report.text)
      return report.failures.isEmpty ? .right : .wrong
    } catch let error as AcceleratorError {
      Narration.tell("Error: \(error)" + (error.log.isEmpty ? "" : "\n\(error.log)"))
      return error.code == .unavailable ? .noDevice : .wrong
    } catch {
      Narration.tell("Error: \(error)")
      return .wrong
    }
  }
}
